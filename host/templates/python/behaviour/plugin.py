"""Greets, and says what machine it is on."""

from hangar import Cx, call, fail


def run(cx: Cx):
    # What is shown needs no answer; what has an answer is waited for with `yield`.
    cx.status(f"{cx.settings['greeting']}, {cx.info.executor}!")

    result = yield cx.command("LinuxAgent", call("execute_command", {"command": "uname -a"}))
    if not result.ok:
        return fail("internal", result.error)
    return result.data["stdout"].strip()
