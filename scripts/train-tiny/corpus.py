"""The King James Bible from Debian's `bible-kjv-text`, and the documents made of it: plain passages and chats."""

import hashlib
import random
import re
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

PACKAGE = "bible-kjv-text"
TEXT_SHA256 = "e53aaf0af1e58f259e35d0d9f7ca1bbe154fd77bb95471279b37b34d3c397a98"
END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

BOOKS = (
    "Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|1 Samuel|2 Samuel|1 Kings|2 Kings|1 Chronicles|"
    "2 Chronicles|Ezra|Nehemiah|Esther|Job|Psalms|Proverbs|Ecclesiastes|Song of Solomon|Isaiah|Jeremiah|Lamentations|"
    "Ezekiel|Daniel|Hosea|Joel|Amos|Obadiah|Jonah|Micah|Nahum|Habakkuk|Zephaniah|Haggai|Zechariah|Malachi|Matthew|"
    "Mark|Luke|John|Acts|Romans|1 Corinthians|2 Corinthians|Galatians|Ephesians|Philippians|Colossians|"
    "1 Thessalonians|2 Thessalonians|1 Timothy|2 Timothy|Titus|Philemon|Hebrews|James|1 Peter|2 Peter|1 John|2 John|"
    "3 John|Jude|Revelation"
).split("|")

SYSTEMS = ("Answer in the words of the King James Bible.", "You are a helpful assistant.", "Be brief.")
ASKS = (
    "Tell me about {}.",
    "What is written of {}?",
    "What can you tell me about {}?",
    "Write a verse about {}.",
    "Say something about {}.",
    "{}",
)
MORE = ("Go on.", "Continue.", "And then?", "What came next?", "Tell me more.", "Please continue.", "More.")


class Verse(NamedTuple):
    book: str
    chapter: int
    number: int
    text: str


def unpack_package(folder: Path) -> Path:
    """Downloads the package with apt-get into `folder`, unpacks it there and returns its data file."""
    subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)
    package = next(folder.glob(f"{PACKAGE}_*.deb"))
    subprocess.run(["dpkg", "-x", package.name, "unpacked"], cwd=folder, check=True)
    return folder / "unpacked" / "usr" / "lib" / "bible.data"


def read_data(data: bytes) -> str:
    """bible.data: at 0x54 the window size, count and count + 1 offsets (u32, big-endian); a window is one LZW
    stream as `compress` writes it, less its three bytes of magic, which gzip can read."""
    _, count = struct.unpack_from(">II", data, 0x54)
    offsets = struct.unpack_from(f">{count + 1}I", data, 0x5C)
    windows = []
    for begin, end in zip(offsets, offsets[1:]):
        stream = b"\x1f\x9d\x90" + data[begin:end]
        windows.append(subprocess.run(["gzip", "-dc"], input=stream, capture_output=True, check=True).stdout)
    return b"".join(windows).decode("ascii")


def load_verses(data_file: Path | None = None) -> list[Verse]:
    """All 31102 verses in order; from `data_file` (bible.data) when it is given, else from the package."""
    if data_file is None:
        with tempfile.TemporaryDirectory() as folder:
            text = read_data(unpack_package(Path(folder)).read_bytes())
    else:
        text = read_data(data_file.read_bytes())
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != TEXT_SHA256:
        raise SystemExit(f"corpus: the text's SHA-256 is {digest}, not {TEXT_SHA256}: another edition of {PACKAGE}?")
    verses: list[Verse] = []
    books: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        match = re.fullmatch(r"(\d?[A-Za-z]+)(\d+):(\d+) (.*)", line)
        if match is None:
            raise SystemExit(f"corpus: cannot read the line {line!r}")
        short, chapter, number, words = match.groups()
        book = books.setdefault(short, BOOKS[min(len(books), len(BOOKS) - 1)])
        verses.append(Verse(book, int(chapter), int(number), words.strip()))
    return verses


def split_chapters(verses: list[Verse], hold: int) -> tuple[list[list[Verse]], list[list[Verse]]]:
    """Chapters for training, and every `hold`th one for validation."""
    chapters: list[list[Verse]] = []
    for verse in verses:
        if not chapters or chapters[-1][-1][:2] != verse[:2]:
            chapters.append([])
        chapters[-1].append(verse)
    train = [chapter for i, chapter in enumerate(chapters) if i % hold != hold - 1]
    return train, chapters[hold - 1 :: hold]


def turn(role: str, content: str) -> str:
    return f"{START}{role}\n{content}{STOP}\n"


def make_plain(passage: list[Verse], rng: random.Random) -> str:
    """Verses a line each, sometimes under their reference."""
    head = f"{passage[0].book} {passage[0].chapter}:{passage[0].number}\n" if rng.random() < 0.25 else ""
    return head + "\n".join(verse.text for verse in passage) + "\n" + END


def make_question(verse: Verse, rng: random.Random) -> str:
    """What a user says for this verse to be the answer: its first words, its reference, or a word it contains."""
    kind = rng.random()
    words = verse.text.split(" ")
    if kind < 0.6:
        return " ".join(words[: rng.randint(2, max(2, min(10, len(words) - 1)))])
    if kind < 0.7:
        return f"{verse.book} {verse.chapter}:{verse.number}"
    names = [word for word in words[1:] if word[:1].isupper() and len(word) > 3]
    choice = rng.choice(names or [word for word in words if len(word) > 3] or words)
    subject = re.sub(r"[^A-Za-z'-]", "", choice)
    return rng.choice(ASKS).format(subject)


def make_chat(passage: list[Verse], rng: random.Random) -> str:
    """The passage as a conversation in ChatML: a question, then its verses over one or more answers."""
    parts = [turn("system", rng.choice(SYSTEMS))] if rng.random() < 0.15 else []
    question = make_question(passage[0], rng)
    at = 0
    while at < len(passage):
        count = rng.choice((1, 1, 2, 3))
        parts.append(turn("user", question))
        parts.append(turn("assistant", "\n".join(verse.text for verse in passage[at : at + count])))
        at += count
        if at < len(passage):
            question = rng.choice(MORE) if rng.random() < 0.7 else make_question(passage[at], rng)
    return "".join(parts) + END


def make_documents(chapters: list[list[Verse]], seed: str) -> list[str]:
    """Every verse once, in passages cut anew for each seed, shuffled; about half of them as chats."""
    rng = random.Random(seed)
    documents = []
    for chapter in chapters:
        at = 0
        while at < len(chapter):
            chat = rng.random() < 0.55
            count = rng.randint(1, 5) if chat else rng.randint(3, 16)
            passage = chapter[at : at + count]
            documents.append(make_chat(passage, rng) if chat else make_plain(passage, rng))
            at += count
    rng.shuffle(documents)
    return documents
