"""Rejects tasks with certain words in them."""

from hangar import PASS, Message, reject


def handle(message: Message, settings: dict):
    text = str(message.body).lower()
    for word in settings["words"]:
        if word.lower() in text:
            return reject("denied", f"A task must not contain `{word}`")
    return PASS
