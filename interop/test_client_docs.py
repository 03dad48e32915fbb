"""Every page of docs/clients is a program and what it prints. The programs run as they stand, but for the port."""

import contextlib
import io
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = sorted(p.stem for p in (ROOT / "docs" / "clients").glob("*.md") if p.stem not in ("README", "superset"))  # the latter: test_superset.py
CACHE = pathlib.Path(os.environ["FEATURESQL_JARS"]).parent


def blocks(page):
    """The program's language and text, and what it prints."""
    found = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs" / "clients" / f"{page}.md").read_text(), re.S)
    (language, code), (kind, output) = found[-2:]
    assert kind == "text"
    return language, code, output


def run(command, folder):
    env = os.environ | {"NODE_PATH": str(CACHE / "node" / "node_modules")}
    out = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert out.returncode == 0, out.stdout + out.stderr
    return out.stdout


def execute(language, code, folder):
    if language == "python":
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "page", "exec"), {})
        return out.getvalue()
    name, command = {
        "sh": ("page.sh", ["bash", "-eu", "page.sh"]), "js": ("page.js", ["node", "page.js"]), "php": ("page.php", ["php", "page.php"]),
        "java": ("Main.java", ["java", "-cp", os.environ["FEATURESQL_JARS"] + "/*", "Main.java"]),
        "go": ("main.go", ["go", "run", "-C", str(ROOT), str(folder / "main.go")]),
    }[language]
    (folder / name).write_text(code)
    return run(command, folder)


@pytest.mark.parametrize("page", PAGES)
def test_page(server, page, tmp_path, request):
    if page == "spark":
        request.getfixturevalue("spark")
    for database in ("shop", "restored"):
        server.rows(f"DROP DATABASE IF EXISTS {database}")
    server.rows("CREATE DATABASE shop")
    language, code, output = blocks(page)
    assert "3306" in code
    printed = execute(language, code.replace("3306", str(server.port)), tmp_path)
    assert printed.startswith(output), printed
    if page != "mysql":
        assert printed == output


def test_readme_lists_every_page():
    listed = re.findall(r"\(([\w-]+)\.md\)", (ROOT / "docs" / "clients" / "README.md").read_text())
    assert sorted(listed) == sorted([*PAGES, "superset"])
