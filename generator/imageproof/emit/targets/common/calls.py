"""Calls by the names that a client gives them; a language says how it spells a resource and a method."""

from __future__ import annotations

from collections.abc import Callable

from imageproof.api.ir import Api, Resource
from imageproof.api.names import assign

Spelling = Callable[[str], str]  # a wire name -> an identifier of the language


def resource_names(api: Api, spelt: Spelling) -> dict[str, str]:
    """Resource name -> the client's attribute."""
    return assign({one.name: (spelt(one.name),) for one in api.resources})


def method_names(resource: Resource, spelt: Spelling) -> dict[str, str]:
    """Operation id -> the method of the resource's class."""
    return assign({one.id: (spelt(one.method),) for one in resource.operations})


def call_names(api: Api, resource_spelt: Spelling, method_spelt: Spelling) -> dict[str, str]:
    """Operation id -> resource and method, such as `images.generate`."""
    attributes = resource_names(api, resource_spelt)
    return {
        operation: f"{attributes[resource.name]}.{method}"
        for resource in api.resources
        for operation, method in method_names(resource, method_spelt).items()
    }
