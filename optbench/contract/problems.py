"""``@problem``: the keyword arguments of a builder are the options of a problem family."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any

from optbench.contract.declared import Declared
from optbench.contract.habits import check_brackets, check_form
from optbench.errors import UserError, first_line
from optbench.labels import label
from optbench.options import Option, check_conditions, check_options
from optbench.plugin_files import declared_again, require_sendable


@dataclass(frozen=True)
class Problem(Declared):
    """A declared problem family: a builder of instances and what is known about it.

    Attributes
    ----------
    name : str
        The builder's name; what a user types.
    builder : callable
        The function of the plug-in; :meth:`build` calls it.
    options : dict
        What ``problem:key=value`` accepts.
    metrics : tuple of str
        What the implicit-bias table measures on it, ``*`` for any number.
    references : tuple of str
        Reference solutions and families of them that its instances offer, ``*`` for any number.
    default : tuple of dict
        The instances that ``optbench compare`` runs when no problem is named; without any, it
        runs only where it is named.
    examples : tuple of dict
        Options of further instances for ``optbench check``: one for each kind of data that has
        references or metrics of its own.
    reads : {"", "labels", "numbers"}
        Which targets of a matrix in memory, ``compare((X, y))``, mean this problem: those of two
        classes or other numbers; its option ``data`` then takes ``(X, y)``.
    """

    name: str
    builder: Callable[..., Any]
    options: Mapping[str, Option]
    formula: str
    reference: str
    references: tuple[str, ...]
    metrics: tuple[str, ...]
    default: tuple[Mapping[str, Any], ...] = field(default=({},))
    examples: tuple[Mapping[str, Any], ...] = ()
    reads: str = ""
    file: str = ""
    line: int = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel by name; instances know what they must be."""
        require_sendable(self.builder)
        path = inspect.getfile(self.builder)
        return declared_again, (self.builder.__module__, path, self.builder.__name__)

    @property
    def option_defaults(self) -> dict[str, Any]:
        """The value of each option that is not given."""
        return {name: option.default for name, option in self.options.items()}

    def build(self, **given: Any) -> Any:
        """Return the instance of the given options; the others have their defaults.

        Raises
        ------
        UserError
            For an unknown option, a value that is no choice, or an option that has no meaning
            with the values of the others.
        """
        check_options(self.name, self.options, given)
        resolved = {**self.option_defaults, **given}
        built = self.builder(**resolved)
        if not is_dataclass(built) or isinstance(built, type):
            return built
        return replace(built, options=resolved, name=label(self.options, resolved), made_by=self)


def problem(
    bare: object = None,
    /,
    *,
    reference: str | None = None,
    references: tuple[str, ...] = (),
    metrics: tuple[str, ...] = (),
    default: tuple[Mapping[str, Any], ...] = ({},),
    examples: tuple[Mapping[str, Any], ...] = (),
    reads: str = "",
) -> Callable[[Callable[..., Any]], Problem]:
    """Declare a problem family; the builder's keyword arguments are its options.

    Raises
    ------
    UserError
        When an argument of the builder has no default value, or an option depends on what is no
        option.
    """

    def declare(builder: Callable[..., Any]) -> Problem:
        check_form(builder, "problem")
        file, line = first_line(builder)
        where = f"{file}:{line}: problem {builder.__name__!r}"
        check_brackets(where, "problem", bare, reference)
        options: dict[str, Option] = {}
        for name, parameter in inspect.signature(builder).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise UserError(f"{where}: {parameter}: write options one by one, such as n=20")
            if parameter.default is inspect.Parameter.empty:
                raise UserError(f"{where}: option {name!r} needs a default")
            given = parameter.default
            options[name] = given if isinstance(given, Option) else Option(given)
        check_conditions(where, options)
        doc = inspect.getdoc(inspect.getmodule(builder)) or inspect.getdoc(builder) or ""
        return Problem(
            name=builder.__name__,
            builder=builder,
            options=options,
            formula=doc.strip(),
            reference=reference or "",
            references=references,
            metrics=metrics,
            default=default,
            examples=examples,
            reads=reads,
            file=file,
            line=line,
        )

    if bare is not None:
        declare(bare)  # type: ignore[arg-type]
    return declare
