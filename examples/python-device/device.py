#!/usr/bin/env python3
"""A device agent in one file, to begin your own from. It needs `websockets` (pip install websockets).

    python device.py --id lab-py --server ws://localhost:5000/ws

It registers, sends heartbeats, takes up tasks, lists its tools and runs commands. The key is read from HANGAR_API_KEY.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import shlex
import signal
import uuid
from datetime import datetime, timezone

import websockets

PROGRAMS = {"df", "echo", "free", "id", "ls", "nproc", "pwd", "sleep", "uname", "uptime", "whoami"}
LONGEST, KEPT, HEARTBEAT = 120, 64 * 1024, 120
SKIPPED = "Skipped due to previous failure (early_exit=True)."


class Refused(Exception):
    """The server refuses, or a tool cannot do what it was called for."""


# --- Tools: each is an async function with the JSON Schema of its parameters -----------------------------------------


async def execute_command(command, timeout=30, cwd=None):
    """Run a program without a shell. What it started is killed when its time is over."""
    words = shlex.split(command)
    if not words or words[0] not in PROGRAMS:
        return {"success": False, "error": f"This device runs only {', '.join(sorted(PROGRAMS))}"}
    env = {name: value for name, value in os.environ.items() if name != "HANGAR_API_KEY"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, cwd=cwd, env=env, start_new_session=True
    )
    kept = [bytearray(), bytearray()]

    async def keep(stream, into):
        while chunk := await stream.read(16384):
            into += chunk[: KEPT - len(into)]  # the rest is read and thrown away, so that the program can go on

    reading = asyncio.gather(keep(process.stdout, kept[0]), keep(process.stderr, kept[1]), process.wait())
    try:
        await asyncio.wait_for(reading, min(float(timeout), LONGEST))
        code, error = process.returncode, None
    except asyncio.TimeoutError:
        code, error = None, f"stopped after {timeout} seconds"
    finally:  # also when this program is interrupted
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    stdout, stderr = (bytes(stream).decode(errors="replace") for stream in kept)
    result = {"success": code == 0, "exit_code": code, "stdout": stdout, "stderr": stderr}
    return result | ({"error": error} if error else {})


TOOLS = {
    "execute_command": (
        execute_command,
        {
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "One program with its arguments, no shell"},
                "timeout": {"type": "number", "default": 30, "maximum": LONGEST, "description": "Seconds"},
                "cwd": {"type": "string", "description": "Where it runs"},
            },
            "required": ["command"],
        },
    ),
}


def list_tools(tool_type=None, namespace=None, remove_meta=True):
    """What `list_tools` answers. All tools here are actions."""
    return [
        {"tool_key": f"action::{name}", "tool_name": name, "title": name, "namespace": "python", "tool_type": "action",
         "description": tool.__doc__, "input_schema": schema, "output_schema": None, "meta": None, "annotations": None}
        for name, (tool, schema) in TOOLS.items()
        if tool_type in (None, "action") and namespace in (None, "python")
    ]  # fmt: skip


async def call(agent, action):
    """The result of one action of a COMMAND."""
    name, parameters = action["tool_name"], action.get("parameters") or {}
    result = {"status": "success", "result": None, "error": None, "namespace": "python", "call_id": action.get("call_id")}
    try:
        if agent != "LinuxAgent":
            raise Refused(f"This device has no tools for agent {agent}; it has tools for LinuxAgent")
        if name == "list_tools":
            result["result"] = list_tools(**parameters)
        elif name in TOOLS:
            result["result"] = await TOOLS[name][0](**parameters)
        else:
            raise Refused(f"This device has no tool {name}; it has {', '.join(TOOLS)}")
    except (Refused, TypeError, ValueError, OSError) as error:  # parameters that do not fit are a TypeError
        result |= {"status": "failure", "error": str(error)}
    return result


# --- The protocol: one JSON object in each text frame ------------------------------------------------------------------


class Device:
    def __init__(self, client_id, socket):
        self.client_id, self.socket = client_id, socket

    async def send(self, kind, status, **fields):
        stamp = datetime.now(timezone.utc).isoformat()
        message = {"type": kind, "status": status, "client_type": "device", "client_id": self.client_id, "timestamp": stamp}
        await self.socket.send(json.dumps(message | fields))

    async def register(self):
        info = {"device_id": self.client_id, "platform": "linux", "hostname": platform.node(), "schema_version": "1.0",
                "cpu_count": os.cpu_count(), "supported_features": ["cli"], "platform_type": "computer"}  # fmt: skip
        await self.send("register", "ok", metadata={"platform": "linux", "system_info": info})
        answer = json.loads(await self.socket.recv())
        if answer["status"] != "ok":
            raise Refused(answer.get("error"))
        print(f"connected as {self.client_id}")

    async def heartbeats(self):
        while True:
            await asyncio.sleep(HEARTBEAT)
            await self.send("heartbeat", "ok")

    async def hear(self, message):
        kind = message["type"]
        if kind == "task":  # the server assigns a task: take it up by asking for it
            print("task:", message["user_request"])
            name = message.get("task_name") or str(uuid.uuid4())
            await self.send("task", "continue", request=message["user_request"], task_name=name,
                            request_id=str(uuid.uuid4()), metadata={"platform": "linux"})  # fmt: skip
        elif kind == "command":  # do all actions in order; after a failure the rest is skipped
            results, failed = [], False
            for action in message["actions"] or []:
                if failed:
                    results.append({"status": "skipped", "error": SKIPPED, "call_id": action.get("call_id")})
                    continue
                print("command:", action["tool_name"])
                results.append(await call(message["agent_name"], action))
                failed = results[-1]["status"] != "success"
            await self.send("command_results", message["status"], session_id=message["session_id"],
                            prev_response_id=message["response_id"], action_results=results)  # fmt: skip
        elif kind in ("task_end", "error"):
            print(f"{kind}:", message["status"], message.get("error") or "")

    async def serve(self):
        beating = asyncio.create_task(self.heartbeats())
        try:
            async for frame in self.socket:
                try:
                    message = json.loads(frame)
                    await self.hear(message)
                except (ValueError, KeyError, TypeError) as error:
                    print(f"not understood: {error!r}")  # and passed over
        finally:
            beating.cancel()


async def main(options):
    key = os.environ.get("HANGAR_API_KEY")
    headers = {"X-API-Key": key} if key else {}
    pause = 1
    while True:  # for ever: a server may be restarted
        try:
            async with websockets.connect(options.server, additional_headers=headers, max_size=100 << 20) as socket:
                device = Device(options.id, socket)
                await device.register()
                pause = 1
                await device.serve()
            why = "the server closed the connection"
        except (OSError, Refused, websockets.WebSocketException) as error:
            why = error
        print(f"lost: {why}; trying again in {pause} s")
        await asyncio.sleep(pause * random.uniform(0.5, 1))
        pause = min(pause * 2, 60)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A device agent", epilog="The key is read from HANGAR_API_KEY.")
    parser.add_argument("--server", default="ws://localhost:5000/ws")
    parser.add_argument("--id", default=f"{platform.node()}-py")
    try:
        asyncio.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        print("good-bye")
