"""Models over the views of the seed's schema: read, never written."""

from typing import Any, ClassVar, NoReturn, TypeVar

from django.db import models


class ReadOnly(Exception):
    """A database view was to be written."""

    def __init__(self, model: type[models.Model]) -> None:
        super().__init__(f"{model._meta.db_table} is a view: change the tables it reads.")


M = TypeVar("M", bound=models.Model)


class ViewQuerySet(models.QuerySet[M]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnly(self.model)

    create = bulk_create = update = bulk_update = delete = _refuse


class View(models.Model):
    """A row of a database view: read, never written."""

    objects: ClassVar[Any] = ViewQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnly(type(self))

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnly(type(self))
