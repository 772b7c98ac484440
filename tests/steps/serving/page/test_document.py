from __future__ import annotations

import base64
import hashlib
import re

from steps.serving.page import document


def test_the_page_is_one_document_that_loads_nothing() -> None:
    content, _ = document.page()
    text = content.decode()
    assert re.findall(r"(?:src|href|action)=[\"']?([^\"'\s>]+)", text) == ["data:,"]
    assert not re.search(r"https?://|@import|url\(", text)
    assert "--hue6" in text  # the style of the report
    assert "/* style */" not in text
    assert "/* script */" not in text


def test_the_policy_allows_the_script_of_the_page_and_no_other() -> None:
    content, policy = document.page()
    (script,) = re.findall(r"<script>(.*?)</script>", content.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert re.findall(r"script-src ([^;]+)", policy) == [f"'sha256-{digest}'"]
    assert "default-src 'none'" in policy


def test_text_reaches_the_page_as_text_only() -> None:
    content, _ = document.page()
    assert not re.search(rb"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|setHTML", content)
