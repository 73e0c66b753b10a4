"""What a plugin imports: `from hangar import call, finish`. Behaviours and handlers have different names to import; the
log, blobs and exceptions are for both."""

from importlib.util import find_spec

from failures import Cancelled, Fail, ModelFailed, Refused, TimedOut
from host import blob, log

if find_spec("wit_world.imports.actions"):
    from answers import Ended, ModelAnswer, Reply, Result
    from behaviour import Cx
    from builders import (
        DELEGATES, HOST, Finish, agent, any_device, call, choice, concat, confirm, crop, device, fail, finish, history,
        mark, message, plan_step, question, resize, tool_set,
    )
    from contract import extension, file, image
    from waits import Wait
else:
    from handler import (
        BROADCAST, PASS, Message, Verdict, deny, directory, hold, reject, replace, reply, route, start_session,
    )
