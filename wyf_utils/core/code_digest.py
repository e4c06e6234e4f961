"""Digest of the code that a function can reach, for the keys of artefacts.

A changed constant, function or class of the package changes the digest. A changed docstring,
comment, annotation, progress text or error message does not.
"""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

PACKAGE = __name__.split(".")[0]
#: Modules that decide where and how fast something is made, not what.
WITHOUT_EFFECT = frozenset(
    f"{PACKAGE}.core.{name}"
    for name in ("artifacts", "code_digest", "context", "errors", "files", "paths", "runtime")
)


def code_digest(function: Callable) -> str:
    """Hash a function with all package code that it reaches by name.

    Parameters
    ----------
    function
        Function or method of the package; of a nested one, the function around it is taken.

    Returns
    -------
    str
        sha256 as 64 hex digits.
    """
    return _digest(function.__module__, function.__qualname__.split(".")[0])


@functools.cache
def _digest(module: str, name: str) -> str:
    waiting = [(module, name)]
    reached: dict[tuple[str, str], str] = {}
    while waiting:
        place = waiting.pop()
        if place in reached or place[0] in WITHOUT_EFFECT:
            continue
        parsed = _parse(place[0])
        definition = parsed.definitions.get(place[1])
        if definition is None:
            source = parsed.imports.get(place[1])
            waiting += [source] if source else []
            continue
        reached[place] = ast.dump(_Stripped().visit(copy.deepcopy(definition)))
        waiting += parsed.references(definition)  # annotations included: they name classes
    lines = sorted(f"{name}: {code}" for (_, name), code in reached.items())  # moves do not count
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class _Module:
    """Definitions and imports of a module's top level."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.is_package = path.name == "__init__.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self.definitions: dict[str, ast.AST] = {}
        #: Local name to (module, name), or to (module, "") where a module is imported.
        self.imports: dict[str, tuple[str, str]] = {}
        for node in tree.body:
            for defined in _defined_names(node):
                known = self.definitions.get(defined)
                self.definitions[defined] = node if known is None else ast.Module([known, node], [])
            self._add_imports(self.imports, node)

    def references(self, definition: ast.AST) -> list[tuple[str, str]]:
        """Places of the package that a definition names."""
        local = dict(self.imports)
        for node in ast.walk(definition):
            self._add_imports(local, node)
        found = []
        for node in ast.walk(definition):
            if isinstance(node, ast.Name):
                if node.id in self.definitions:
                    found.append((self.name, node.id))
                elif local.get(node.id, ("", ""))[1]:
                    found.append(local[node.id])
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module, name = local.get(node.value.id, ("", "-"))
                if module and not name:
                    found.append((module, node.attr))
        return found

    def _add_imports(self, names: dict[str, tuple[str, str]], node: ast.AST) -> None:
        if not isinstance(node, ast.ImportFrom):
            return
        base = self.name.split(".")
        if node.level:
            base = base[: len(base) - node.level + self.is_package]
        module = ".".join([*(base if node.level else []), *([node.module] if node.module else [])])
        if module.split(".")[0] != PACKAGE:
            return
        for alias in node.names:
            whole = f"{module}.{alias.name}"
            place = (whole, "") if _path(whole) else (module, alias.name)
            names[alias.asname or alias.name] = place


class _Stripped(ast.NodeTransformer):
    """Drops docstrings, annotations, error messages and progress texts."""

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
        elif isinstance(node, ast.Call):
            node.keywords = [k for k in node.keywords if k.arg != "desc"]
        return node


def _defined_names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    elif isinstance(node, ast.For | ast.With | ast.If | ast.Try):
        return set().union(*map(_defined_names, ast.iter_child_nodes(node)))
    else:
        targets = []
    names = [name for target in targets for name in ast.walk(target)]
    return {name.id for name in names if isinstance(name, ast.Name)}


@functools.cache
def _path(module: str) -> Path | None:
    """File of a module of the package, or None where it is no module."""
    if module == "__main__":
        return Path(sys.modules[module].__file__)
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


@functools.cache
def _parse(module: str) -> _Module:
    return _Module(module, _path(module))
