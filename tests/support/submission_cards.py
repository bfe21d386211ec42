"""What the tests of entries that are sent fill in on a card, and the small task that they answer."""

OWN = {
    "Ada Lovelace": "A. Reader",
    "github.com/someone/": "github.com/reader/",
    "example.org/letters": "example.org/mine",
    "0123456789abcdef0123456789abcdef01234567": "89abcdef0123456789abcdef0123456789abcdef",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "a" * 64,
}
"""What stands on the example of a card -> what somebody puts in its place."""
TASK = 'name = "small"\nversion = 1\ntitle = "Small"\ncorpus = "synthetic"\nlimit = 10\n'
