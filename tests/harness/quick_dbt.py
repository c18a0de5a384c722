"""Lets dbt do once per session, or more cheaply, what it does again at each command: most of what small builds cost.

Nothing that dbt decides changes: a template is the same text compiled, a context has the same macros by the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any


@cache
def make_quick() -> None:
    """Changes dbt in this process, once."""
    from dbt.context.macros import MacroNamespaceBuilder
    from dbt.context.manifest import ManifestContext
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.clients.jinja import MacroFuzzEnvironment
    from dbt_common.tests import enable_test_caching

    enable_test_caching()
    # dbt asks, for the source of each of its flags, who called it: a third of a session that has many modules.
    BehaviorFlagRendered._default_source = staticmethod(lambda: "the tests")
    # What dbt gets of these are trees that it only reads, and code objects.
    for name in ("parse", "compile"):
        setattr(MacroFuzzEnvironment, name, _remembered(getattr(MacroFuzzEnvironment, name)))
    # From 1.12 on dbt makes a macro callable when it is called.
    if hasattr(MacroNamespaceBuilder, "add_macro"):
        MacroNamespaceBuilder.build_namespace = _build_namespace
        ManifestContext.to_dict = _to_dict


def _remembered(method: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    known: dict[str, Any] = {}

    def remembered(environment: Any, source: str) -> Any:
        if source not in known:
            known[source] = method(environment, source)
        return known[source]

    return remembered


def _build_namespace(
    self: Any, macros_by_package: Mapping[str, Mapping[str, Any]], context: dict[str, Any]
) -> Any:
    """As dbt's, which adds macro by macro, and asks for each what its package is: each context has some 1,200."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import MacroNamespace

    for package, macros in macros_by_package.items():
        made = {
            macro.name: MacroGenerator(macro, context, self.node, self.thread_ctx)
            for macro in macros.values()
        }
        if package in self.internal_package_names:
            self.internal_packages[package] = made
            continue
        self.packages[package] = made
        if package == self.search_package:
            self.locals = made
        elif package == self.root_package:
            self.globals = made
    internal: dict[str, Any] = {}
    for package in reversed(self.internal_package_names_order):
        internal.update(self.internal_packages.get(package, {}))
    return MacroNamespace(
        global_namespace=self.globals,
        local_namespace=self.locals,
        global_project_namespace=internal,
        packages=self.packages,
    )


def _to_dict(self: Any) -> dict[str, Any]:
    """As dbt's, which looks each of its names up in the namespaces one after the other."""
    from dbt.context.base import BaseContext
    from dbt.context.macro_resolver import TestMacroNamespace

    found: dict[str, Any] = BaseContext.to_dict(self)
    if isinstance(self.namespace, TestMacroNamespace):
        found.update(self.namespace.local_namespace)
        found.update(self.namespace.project_namespace)
    else:
        for names in reversed(list(self.namespace._search_order())):
            found.update(names)
    return found
