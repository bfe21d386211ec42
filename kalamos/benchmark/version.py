"""The version of the benchmark: of what its numbers mean.

It grows whenever a ranked metric, a rule of scoring or what is ranked changes, above all when somebody has found a game
(``docs/benchmark-history.md`` has the rule, and what each version moved). A task has a version of its own, of its
samples and images. Results of different versions share no table.
"""

VERSION = 2
