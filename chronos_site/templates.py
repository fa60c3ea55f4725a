"""Django's templates by shorter ways: drawing its rows is half of what a list costs.

Each of them gives what Django gives; whatever they do not know takes Django's own way.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape
from typing import Any

from django.conf import settings
from django.forms import BoundField
from django.template import TemplateDoesNotExist, VariableDoesNotExist, base
from django.template.base import (
    FilterExpression,
    Lexer,
    Node,
    NodeList,
    Origin,
    TextNode,
    Token,
    TokenType,
)
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.library import SimpleNode
from django.template.loaders import cached
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.templatetags.static import StaticNode
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.functional import Promise
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString


class Loader(cached.Loader):
    """Finds templates where the given loaders find them, and keeps them compiled."""

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> base.Template:
        if self.engine.debug:
            # Django's own nodes tell where in a template an error is.
            return super().get_template(template_name, skip)
        key = self.cache_key(template_name, skip)
        if key not in self.get_template_cache:
            self.get_template_cache[key] = self._compiled(template_name, skip or [])
        kept: base.Template = self.get_template_cache[key]
        return kept

    def _compiled(self, name: str, skip: list[Origin]) -> base.Template:
        tried = []
        for origin in self.get_template_sources(name):
            try:
                if origin not in skip:
                    return Template(self.get_contents(origin), origin, name, self.engine)
            except TemplateDoesNotExist:
                tried.append((origin, "Source does not exist"))
        raise TemplateDoesNotExist(name, tried=tried)


class Template(base.Template):
    """A template that is compiled by the parser below."""

    def compile_nodelist(self) -> NodeList:
        libraries, builtins = self.engine.template_libraries, self.engine.template_builtins
        parser = Parser(Lexer(self.source).tokenize(), libraries, builtins, self.origin)
        nodes = parser.parse()
        self.extra_data = parser.extra_data
        return nodes


class Parser(base.Parser):
    def compile_filter(self, token: str) -> FilterExpression:
        return Expression(token, self)

    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        if type(node) is BlockTranslateNode and _stands_as_written(node):
            node = Sentence(node, self)
        super().extend_nodelist(nodelist, _shorter(node), token)


class Expression(FilterExpression):
    """A value of the context and its filters, looked up by `Name`."""

    def __init__(self, token: str, parser: base.Parser) -> None:
        super().__init__(token, parser)
        if self.is_var:
            self.var = Name(self.var.var)
        self.filters = [
            (func, [(True, Name(arg.var)) if is_name else (False, arg) for is_name, arg in args])
            for func, args in self.filters
        ]


class Name(base.Variable):
    """`job.owner.email`, by attribute where Django tries an index first and fails."""

    __slots__ = ()

    def resolve(self, context: Any) -> Any:
        if self.lookups is None:
            return super().resolve(context)
        try:
            return _looked_up(context, self.lookups)
        except VariableDoesNotExist:
            raise
        except Exception:
            # What went wrong, and whether a page shows it as nothing, Django decides.
            return super().resolve(context)


def _looked_up(context: Any, names: Sequence[str]) -> Any:
    value = _first(context, names[0])
    for name in names[1:]:
        has_items = _has_items(type(value))  # type: ignore[arg-type] # every class can be hashed
        value = value[name] if has_items else getattr(value, name)
        if callable(value):
            value = _called(value)
    return value


# They have no items by name.
_NUMBERED = (list, tuple, str, BoundField)


@cache
def _has_items(kind: type) -> bool:
    return hasattr(kind, "__getitem__") and not issubclass(kind, _NUMBERED)


def _first(context: Any, name: str) -> Any:
    try:
        value = context[name]
    except KeyError:
        if hasattr(context, name):
            raise
        raise VariableDoesNotExist("There is no %s in the context.", (name,)) from None
    return _called(value) if callable(value) else value


def _called(value: Any) -> Any:
    if getattr(value, "do_not_call_in_templates", False):
        return value
    if getattr(value, "alters_data", False):
        raise TypeError("A template changes nothing.")
    return value()


class Shown(base.VariableNode):
    """`{{ job.name }}`: nearly always text, which needs no localising."""

    def render(self, context: Context) -> str:
        value = self.filter_expression.resolve(context)
        if context.autoescape:
            if type(value) is SafeString:
                return value
            if type(value) is str:
                return escape(value)
            if type(value) is int and not settings.USE_THOUSAND_SEPARATOR:
                return str(value)
            if isinstance(value, Promise):
                return conditional_escape(str(value))
        return base.render_value_in_context(value, context)


class Drawn(SimpleNode):
    """`{% icon each.name %}`: what a tag draws is nearly always HTML already."""

    def render(self, context: Context) -> str:
        if self.target_var is not None:
            return super().render(context)
        args, kwargs = self.get_resolved_arguments(context)
        output: str = self.func(*args, **kwargs)
        if type(output) is SafeString or not context.autoescape:
            return output
        return conditional_escape(output)


class Link(URLNode):
    """`{% url "job_list" %}`, the same on every page."""

    def render(self, context: Context) -> str:
        try:
            found = _reversed(self.view_name.var, get_script_prefix(), get_urlconf() or settings.ROOT_URLCONF)
        except NoReverseMatch:
            # With `as` it asks whether there is such a page.
            if not self.asvar:
                raise
            found = ""
        if self.asvar:
            context[self.asvar] = found
            return ""
        return escape(found) if context.autoescape else found


@lru_cache(maxsize=256)
def _reversed(name: str, _prefix: str, urlconf: str) -> str:
    return reverse(name, urlconf)


class Sentence(Node):
    """`{% blocktranslate %}` where there is one language: its text as written, with its values in it."""

    def __init__(self, node: BlockTranslateNode, parser: Parser) -> None:
        self.counter = node.counter
        values = dict(node.extra_context)
        if node.counter and node.countervar:
            values[node.countervar] = node.counter
        self.one = _parts(node.singular, values, parser)
        self.many = _parts(node.plural or [], values, parser)

    def render(self, context: Context) -> SafeString:
        if self.counter is None or self.counter.resolve(context) == 1:
            return self.one.render(context)
        return self.many.render(context)


def _stands_as_written(node: BlockTranslateNode) -> bool:
    return not (settings.USE_I18N or node.trimmed or node.asvar or node.message_context)


def _parts(tokens: Sequence[Token], values: dict[str, FilterExpression], parser: Parser) -> NodeList:
    parts = NodeList()
    for token in tokens:
        if token.token_type == TokenType.VAR:
            name = token.contents
            parts.append(Shown(values[name] if name in values else parser.compile_filter(name)))
        else:
            parts.append(TextNode(token.contents))
    return parts


def _shorter(node: Node) -> Node:
    if type(node) is base.VariableNode:
        return Shown(node.filter_expression)
    if type(node) is URLNode and _goes_to_one_place(node):
        return Link(node.view_name, [], {}, node.asvar)
    if type(node) is TranslateNode and _says_one_thing(node):
        return TextNode(node.render(Context()))
    if type(node) is StaticNode and _constant(node.path) and node.varname is None:
        return TextNode(node.render(Context()))
    if type(node) is SimpleNode:
        drawn = Drawn(node.func, node.takes_context, node.args, node.kwargs, node.target_var)
        return TextNode(drawn.render(Context())) if _draws_one_thing(node) else drawn
    return node


def _goes_to_one_place(node: URLNode) -> bool:
    # Where a name of a namespace leads depends on the page.
    name = node.view_name
    return _constant(name) and ":" not in name.var and not (node.args or node.kwargs)


def _says_one_thing(node: TranslateNode) -> bool:
    told = node.filter_expression
    constant = told.var.lookups is None and not told.filters
    return constant and not (settings.USE_I18N or node.asvar or node.message_context)


def _draws_one_thing(node: SimpleNode) -> bool:
    """Whether the tag remembers what it drew, and always draws the same."""
    remembers = hasattr(node.func, "cache_info") and not node.takes_context and node.target_var is None
    return remembers and all(map(_constant, [*node.args, *node.kwargs.values()]))


def _constant(value: FilterExpression) -> bool:
    return not value.is_var and not value.filters
