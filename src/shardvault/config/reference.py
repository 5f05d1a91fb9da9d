"""Write docs/reference/configuration.md from the schema.

Run ``python -m shardvault.config.reference > docs/reference/configuration.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from shardvault.config.schema import Config, Section, inner_section

EXAMPLE = """\
fleet:
  name: shop
  user: backup                              # default of every shard
  password: {env: SHOP_PASSWORD}
  shards:
    - {name: s0, primary: {socket: /run/s0.sock}}
    - name: s1
      primary: {host: 10.0.0.2, port: 3306, tls: {ca: /etc/ca.pem}}
      replicas: [{host: 10.0.0.3}]
  tables:
    - {logical: orders, nodes: "s${0..1}.shop.orders_${0..3}", key: order_id, rule: {mod: 8}}
    - {logical: country, broadcast: true, nodes: "s${0..1}.shop.country"}
repository:
  url: file:///var/backups/shop
  key: {file: /etc/shardvault/shop.key}
"""

_HEAD = """\
# Configuration

<!-- Made from src/shardvault/config/schema.py; change it there, then run
     python -m shardvault.config.reference > docs/reference/configuration.md -->

shardvault reads the file that `--config` names, else `./shardvault.yaml`, else
`/etc/shardvault/shardvault.yaml`. It is YAML 1.2 without tags and merge keys. An unknown key, a
key that stands twice or a value of another type is an error that names the file, the line and
the option; all problems of a file are reported together.

```yaml
{example}```

Relative paths are taken from the folder of the file, `~` is the home folder.

**Passwords** never stand in the file, it refers to them. They are looked up when the first
connection is made. A file that holds a password must not be open to other users (`chmod 600`).

**Option files** are read as MySQL clients read them: `user`, `password`, `host`, `port`, `socket`,
`ssl-ca`, `ssl-cert`, `ssl-key`, `ssl-mode`, `ssl-verify-server-cert`, `ssl` and `skip-ssl`; first
`[client]`, then `[shardvault]`, which wins. `!include` is refused. The server's identity is
checked over TLS unless the file says otherwise.

**What a shard does not say itself** comes from its option file, then from the fleet section,
then from the fleet's option file. A `password` comes before the one in an option file beside it.
"""

_TYPES: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    dict: "map",
}


def render_reference() -> str:
    """Write the reference of every option, as Markdown."""
    places: dict[type[Section], list[str]] = {}
    for path, section in _walk_sections("", Config):
        places.setdefault(section, []).append(f"`{path}`" if path else "The file")
    return "\n".join(
        [
            _HEAD.format(example=EXAMPLE),
            *(_render_section(", ".join(paths), section) for section, paths in places.items()),
        ]
    )


def _walk_sections(path: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    yield path, section
    for name, field in section.model_fields.items():
        if inner := inner_section(field.annotation):
            brackets = "[]" if "list" in _name_type(field.annotation) else ""
            yield from _walk_sections(f"{path}.{name}{brackets}".removeprefix("."), inner)


def _render_section(title: str, section: type[Section]) -> str:
    about = " ".join((section.__doc__ or "").split())
    head = f"## {title}\n\n{about}\n\n| option | type | default | meaning |\n|---|---|---|---|\n"
    fields = sorted(section.model_fields.items(), key=lambda item: not item[1].is_required())
    return head + "".join(_render_row(name, field) for name, field in fields)


def _render_row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = f" [{extra['unit']}]" if isinstance(extra, dict) else ""
    kind = _name_type(field.annotation) + unit
    cells = (f"`{name}`", kind, _name_default(field), field.description or "")
    return f"| {' | '.join(cells)} |\n"


def _name_type(annotation: Any) -> str:
    """Name a type for people; of a union or an annotated type the first part counts."""
    origin = get_origin(annotation)
    if inner_section(annotation):
        return "list of maps" if origin is tuple else "map"
    if origin is tuple:
        return f"list of {_name_type(get_args(annotation)[0])}"
    if (name := _TYPES.get(origin or annotation)) is not None:
        return name
    return _name_type(get_args(annotation)[0])


def _name_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or isinstance(field.default, tuple | Section):
        return ""
    return f"`{str(field.default).lower()}`"


if __name__ == "__main__":
    print(render_reference(), end="")
