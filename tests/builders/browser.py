"""A real browser for tests of pages: Chromium where it is installed, without a window, spoken to
through a pipe.

The protocol is https://chromedevtools.github.io/devtools-protocol, messages of JSON that end in
NUL; nothing else is needed for it.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest

CHROMIUM = next(
    filter(
        None,
        map(
            shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        ),
    ),
    None,
)
in_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed to look at the page with"
)
_ANSWERS_WITHIN_S = 30.0
_KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
}


class Browser:
    """One page in a browser of its own. `complaints` gathers errors of its console, and `requests`
    every address that it asks for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        width: int = 1280,
        height: int = 800,
        is_dark: bool = False,
        is_touch: bool = False,
    ) -> None:
        assert CHROMIUM, "there is no Chromium"
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._number = 0
        self._waiting = b""
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]
        command += [
            f"--user-data-dir={folder}",
            "--disable-background-networking",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        shell = f"exec {shlex.join(command)} 3<&{theirs_in} 4>&{theirs_out}"
        self._process = subprocess.Popen(
            ["bash", "-c", shell],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._session = ""
        pages = [
            each for each in self._ask("Target.getTargets")["targetInfos"] if each["type"] == "page"
        ]
        self._session = self._ask(
            "Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if is_touch else 1,
            mobile=is_touch,
        )
        self._ask("Emulation.setTouchEmulationEnabled", enabled=is_touch)
        scheme = "dark" if is_dark else "light"
        self._ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to)
        os.close(self._from)
        self._process.terminate()
        self._process.wait(10)

    def open(self, path: Path) -> None:
        """Open a file and wait until it is drawn."""
        self._ask("Page.navigate", url=path.as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def open_url(self, url: str, *, with_headers: Mapping[str, str] | None = None) -> None:
        """Open an address, with these headers from now on where some are given, and wait until it
        is drawn.
        """
        if with_headers is not None:
            self._ask("Network.setExtraHTTPHeaders", headers=dict(with_headers))
        self._ask("Page.navigate", url="about:blank")  # so that another anchor loads it, too
        self.until("location.protocol === 'about:'")
        self._ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.protocol === 'http:'")
        self.run("new Promise((done) => setTimeout(done, 60))")

    def look(self, *, width: int = 1280, height: int = 800, is_dark: bool = False) -> None:
        """Look from now on with a window of this size, in light or dark; narrow ones are phones."""
        is_phone = width < 600
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if is_phone else 1,
            mobile=is_phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def allow_scripts(self, *, allowed: bool) -> None:
        """Let pages that are opened from now on run scripts, or not."""
        self._ask("Emulation.setScriptExecutionDisabled", value=not allowed)

    def accessible_names(self, role: str) -> list[str]:
        """What a screen reader calls each element of a role, in order."""
        nodes = self._ask("Accessibility.getFullAXTree")["nodes"]
        return [
            str(node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"] and node.get("role", {}).get("value") == role
        ]

    def run(self, script: str) -> Any:  # whatever JSON the script makes
        """What a script comes to; what it throws is an error here."""
        done = self._ask(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            replMode=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, script: str, *, timeout_s: float = 10) -> None:
        """Wait for a script to be true."""
        end = time.monotonic() + timeout_s
        while not self.run(script):
            assert time.monotonic() < end, f"not within {timeout_s} s: {script}"
            time.sleep(0.03)

    def text(self, selector: str) -> str:
        """The text of an element, as it can be read."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def mouse(self, x: float, y: float, *, is_click: bool = False, wheel: float = 0) -> None:
        """Move the pointer to a place of the window, and click or turn the wheel there."""
        self._ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        if is_click:
            for kind in ("mousePressed", "mouseReleased"):
                self._ask(
                    "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
                )
        if wheel:
            self._ask(
                "Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=wheel
            )

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the button at a place, move, and let go at another."""
        self.mouse(*start)
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            self._ask(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                buttons=1,
                clickCount=1,
            )

    def tap(self, x: float, y: float) -> None:
        """Touch a place of the window shortly."""
        self._ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self._ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def swipe(self, *fingers: tuple[tuple[float, float], tuple[float, float]]) -> None:
        """Move fingers over the window together, from a place to another: one drags, two pinch."""
        for part in (0, 0.25, 0.5, 0.75, 1):
            points = [
                {"x": x0 + (x1 - x0) * part, "y": y0 + (y1 - y0) * part, "id": number}
                for number, ((x0, y0), (x1, y1)) in enumerate(fingers)
            ]
            kind = "touchMove" if part else "touchStart"
            self._ask("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        self._ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def small_targets(self, selector: str, least: float) -> list[str]:
        """What can be seen of these and is narrower or lower than so many pixels."""
        script = (
            f"[...document.querySelectorAll({json.dumps(selector)})].map((each) => [each, "
            "each.getBoundingClientRect()]).filter(([, box]) => box.width && (box.width < "
            f"{least - 0.1} || box.height < {least - 0.1})).map(([each, box]) => "
            "`${each.id || each.textContent || each.className} ${box.width} x ${box.height}`)"
        )
        return list(self.run(script))

    def press(self, key: str, *, is_shift: bool = False) -> None:
        """Press a key: a character, or one of its name."""
        shown: Mapping[str, object] = {
            "key": key,
            "modifiers": 8 * is_shift,
            "windowsVirtualKeyCode": _KEYS.get(key, ord(key[0].upper())),
        }
        written = (
            {"text": "\r" if key == "Enter" else key} if key == "Enter" or key not in _KEYS else {}
        )
        self._ask("Input.dispatchKeyEvent", type="keyDown", **shown, **written)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **shown)

    def write(self, text: str) -> None:
        """Write a text where the caret is."""
        self._ask("Input.insertText", text=text)

    def picture(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot")["data"]))

    def _ask(self, method: str, **parameters: object) -> Any:  # whatever the protocol answers
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters} | (
            {"sessionId": self._session} if self._session else {}
        )
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _ANSWERS_WITHIN_S
        while True:
            told = self._next(end)
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
            self._note(told)

    def _next(self, end: float) -> Any:
        while b"\0" not in self._waiting:
            left_s = max(0.0, end - time.monotonic())
            assert select.select([self._from], [], [], left_s)[0], "the browser does not answer"
            more = os.read(self._from, 2**20)
            assert more, "the browser has ended"
            self._waiting += more
        message, _, self._waiting = self._waiting.partition(b"\0")
        return json.loads(message)

    def _note(self, told: Mapping[str, Any]) -> None:
        match told["method"]:
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["params"]["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(str(told["params"]["entry"]["text"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(told["params"]["args"]))
            case "Network.requestWillBeSent":
                self.requests.append(str(told["params"]["request"]["url"]))
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"a dialogue: {told['params']['message']}")
