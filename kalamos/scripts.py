"""Scripts by their ISO 15924 code: name, direction, and whose rules of writing are nearest.

Names and directions are those of Unicode (Scripts.txt, the classes R and AL of DerivedBidiClass.txt), with the codes
of ISO 15924 for variants that Unicode does not tell apart (Aran, Syre, Latf ...).
"""

from __future__ import annotations

import difflib

from kalamos.errors import UnknownNameError

_LISTED = """
Adlm Adlam, Aghb Caucasian Albanian, Ahom Ahom, Arab Arabic, Aran Nastaliq, Armi Imperial Aramaic, Armn Armenian, Avst
Avestan, Bali Balinese, Bamu Bamum, Bass Bassa Vah, Batk Batak, Beng Bengali, Berf Beria Erfe, Bhks Bhaiksuki, Bopo
Bopomofo, Brah Brahmi, Brai Braille, Bugi Buginese, Buhd Buhid, Cakm Chakma, Cans Canadian Aboriginal, Cari Carian,
Cham Cham, Cher Cherokee, Chrs Chorasmian, Cirt Cirth, Copt Coptic, Cpmn Cypro Minoan, Cprt Cypriot, Cyrl Cyrillic,
Cyrs Old Church Slavonic, Deva Devanagari, Diak Dives Akuru, Dogr Dogra, Dsrt Deseret, Dupl Duployan, Egyp Egyptian
Hieroglyphs, Elba Elbasan, Elym Elymaic, Ethi Ethiopic, Gara Garay, Geok Khutsuri, Geor Georgian, Glag Glagolitic,
Gong Gunjala Gondi, Gonm Masaram Gondi, Goth Gothic, Gran Grantha, Grek Greek, Gujr Gujarati, Gukh Gurung Khema, Guru
Gurmukhi, Hang Hangul, Hani Han, Hano Hanunoo, Hans Simplified Han, Hant Traditional Han, Hatr Hatran, Hebr Hebrew,
Hira Hiragana, Hluw Anatolian Hieroglyphs, Hmng Pahawh Hmong, Hmnp Nyiakeng Puachue Hmong, Hrkt Japanese Syllabaries,
Hung Old Hungarian, Ital Old Italic, Java Javanese, Jpan Japanese, Jurc Jurchen, Kali Kayah Li, Kana Katakana, Kawi
Kawi, Khar Kharoshthi, Khmr Khmer, Khoj Khojki, Kits Khitan Small Script, Knda Kannada, Kore Korean, Krai Kirat Rai,
Kthi Kaithi, Lana Tai Tham, Laoo Lao, Latf Fraktur, Latg Gaelic, Latn Latin, Lepc Lepcha, Limb Limbu, Lina Linear A,
Linb Linear B, Lisu Lisu, Lyci Lycian, Lydi Lydian, Mahj Mahajani, Maka Makasar, Mand Mandaic, Mani Manichaean, Marc
Marchen, Medf Medefaidrin, Mend Mende Kikakui, Merc Meroitic Cursive, Mero Meroitic Hieroglyphs, Mlym Malayalam, Modi
Modi, Mong Mongolian, Mroo Mro, Mtei Meetei Mayek, Mult Multani, Mymr Myanmar, Nagm Nag Mundari, Nand Nandinagari,
Narb Old North Arabian, Nbat Nabataean, Newa Newa, Nkoo Nko, Nshu Nushu, Ogam Ogham, Olck Ol Chiki, Onao Ol Onal, Orkh
Old Turkic, Orya Oriya, Osge Osage, Osma Osmanya, Ougr Old Uyghur, Palm Palmyrene, Pauc Pau Cin Hau, Pcun Proto
Cuneiform, Perm Old Permic, Phag Phags Pa, Phli Inscriptional Pahlavi, Phlp Psalter Pahlavi, Phnx Phoenician, Plrd
Miao, Prti Inscriptional Parthian, Rjng Rejang, Rohg Hanifi Rohingya, Runr Runic, Samr Samaritan, Sarb Old South
Arabian, Saur Saurashtra, Seal Seal, Sgnw SignWriting, Shaw Shavian, Shrd Sharada, Sidd Siddham, Sidt Sidetic, Sind
Khudawadi, Sinh Sinhala, Sogd Sogdian, Sogo Old Sogdian, Sora Sora Sompeng, Soyo Soyombo, Sund Sundanese, Sunu
Sunuwar, Sylo Syloti Nagri, Syrc Syriac, Syre Estrangelo Syriac, Syrj Western Syriac, Syrn Eastern Syriac, Tagb
Tagbanwa, Takr Takri, Tale Tai Le, Talu New Tai Lue, Taml Tamil, Tang Tangut, Tavt Tai Viet, Tayo Tai Yo, Telu Telugu,
Teng Tengwar, Tfng Tifinagh, Tglg Tagalog, Thaa Thaana, Thai Thai, Tibt Tibetan, Tirh Tirhuta, Tnsa Tangsa, Todr
Todhri, Tols Tolong Siki, Toto Toto, Tutg Tulu Tigalari, Ugar Ugaritic, Vaii Vai, Vith Vithkuqi, Wara Warang Citi,
Wcho Wancho, Xpeo Old Persian, Xsux Cuneiform, Yezi Yezidi, Yiii Yi, Zanb Zanabazar Square, Zmth Mathematical
Notation, Zsym Symbols, Zyyy Common, Zzzz Unknown
"""

NAMES: dict[str, str] = dict(entry.split(" ", 1) for entry in " ".join(_LISTED.split()).split(", "))
"""Code -> name in English; ``Zyyy`` is what scripts share (digits, symbols), ``Zzzz`` a script without a code."""

_LEFTWARDS = """
Adlm Arab Aran Armi Avst Chrs Cprt Elym Gara Hatr Hebr Hung Khar Lydi Mand Mani Mend Merc Mero Narb Nbat Nkoo
Orkh Ougr Palm Phli Phlp Phnx Prti Rohg Samr Sarb Sidt Sogd Sogo Syrc Syre Syrj Syrn Thaa Yezi
"""
RIGHT_TO_LEFT = frozenset(_LEFTWARDS.split())
"""Scripts whose lines run from right to left."""

FAMILY: dict[str, str] = {
    **dict.fromkeys(RIGHT_TO_LEFT, "Arab"),  # from right to left, marks after the body
    **dict.fromkeys(("Beng", "Guru"), "Deva"),  # hung from a headline
}
"""Script -> the script whose rules stand in where it has none of its own; Latin for those that are not listed."""


def direction_of(script: str | None) -> float:
    """Return -1 where lines of the script run from right to left, else 1: the sign of x along a line."""
    return -1.0 if script in RIGHT_TO_LEFT else 1.0


def checked_script(code: str) -> str:
    """Return a code of :data:`NAMES`.

    Raises:
        UnknownNameError: where it is none; names the codes that it may stand for.
    """
    if code in NAMES:
        return code
    by_name = {name.lower(): known for known, name in NAMES.items()} | {known.lower(): known for known in NAMES}
    near = [by_name[word] for word in difflib.get_close_matches(code.lower(), by_name, n=3)]
    hint = f"did you mean {' or '.join(f'{one} ({NAMES[one]})' for one in dict.fromkeys(near))}? " if near else ""
    raise UnknownNameError(f"no script has the ISO 15924 code {code!r}; {hint}Leave it out where you do not know it.")
