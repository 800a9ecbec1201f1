"""browser: a headless Chromium by WebDriver, as far as the tests of the report's page need it.

    with Browser(directory) as browser:
        browser.size(400, 800)
        browser.open("/path/page.html")

Speaks to chromedriver over HTTP on loopback. Browser and driver live in the directory and end with the block.
"""

import base64
import json
import os
import subprocess
import sys
import urllib.request

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--no-proxy-server"]


class Browser:
    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        self.driver = subprocess.Popen(["chromedriver", "--port=0", "--log-path=" + os.path.join(self.directory, "driver.log")],
                                       stdout=subprocess.PIPE, text=True)
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.base = "http://127.0.0.1:%s" % line.rstrip(".\n").split()[-1]
                break
        else:
            raise RuntimeError("chromedriver does not start")
        profile = os.path.join(self.directory, "profile")
        chrome = {"args": FLAGS + ["--user-data-dir=" + profile], "binary": "/usr/bin/chromium"}
        wanted = {"browserName": "chrome", "goog:chromeOptions": chrome,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self.session = "/session/" + self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", self.session)
        except OSError as error:
            print("the browser's session does not end:", error, file=sys.stderr)
        self.driver.terminate()
        self.driver.wait()
        self.driver.stdout.close()

    def call(self, method, path, content=None):
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def devtools(self, command, **parameters):
        return self.call("POST", self.session + "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path):
        self.call("POST", self.session + "/url", {"url": "file://" + path})

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def media(self, medium="screen", scheme="light"):
        self.devtools("Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script, *arguments):
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def screenshot(self, path):
        """The whole page, whatever its length."""
        drawn = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "scale": 1, **self.run("return {width: innerWidth, height: document.documentElement.scrollHeight}")})
        with open(path, "wb") as f:
            f.write(base64.b64decode(drawn["data"]))

    def pdf(self, path):
        printed = self.devtools("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)
        with open(path, "wb") as f:
            f.write(base64.b64decode(printed["data"]))

    def console(self):
        """What it says of pages from files; its own first page may complain of a slow network."""
        return [entry["message"] for entry in self.call("POST", self.session + "/se/log", {"type": "browser"})
                if not entry["message"].startswith("chrome:")]

    def requests(self):
        """The addresses of all that pages from files asked for since the last call."""
        events = [json.loads(entry["message"])["message"]
                  for entry in self.call("POST", self.session + "/se/log", {"type": "performance"})]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
                and event["params"]["documentURL"].startswith("file:")]
