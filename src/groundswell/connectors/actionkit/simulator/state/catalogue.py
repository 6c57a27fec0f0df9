"""The resources: what each shows of which table, and what may be asked of it.

Fields are those of recorded objects (W) where there are any, else of the tables.
"""

from typing import Final, Literal

from msgspec import Struct

FieldType = Literal["text", "whole", "real", "flag", "time", "money", "link", "texts"]
ALL: Final = "all"
RELATED: Final = "all with relations"
EXACT: Final = ("exact",)
OPERATORS: Final = (
    "exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "in", "gt",
    "gte", "lt", "lte", "range", "isnull", "ne",
)  # fmt: skip


class Field(Struct, frozen=True):
    """One field of a resource."""

    name: str
    type: FieldType
    column: str
    to: str = ""
    """Of a link: the resource it leads to; "page" and "action" show the kind as well."""
    is_fixed: bool = False
    """Ignored in what is written."""


class Resource(Struct, frozen=True):
    """One resource. `where` tells its rows from others in the table."""

    name: str
    table: str
    fields: tuple[Field, ...]
    filtering: dict[str, str | tuple[str, ...]] = {}
    ordering: tuple[str, ...] = ("id",)
    methods: tuple[str, ...] = ("get", "post", "put", "patch", "delete")
    key: str = "id"
    """What its address ends in."""
    required: tuple[str, ...] = ()
    where: str = ""
    kind: str = ""
    """Of a page or an action: the type."""
    unique: str = ""
    """A second one with this field's value is refused with 409."""

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def _text(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "text", name) for name in names)


def _whole(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "whole", name) for name in names)


def _flag(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "flag", name) for name in names)


def _money(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "money", name) for name in names)


def _time(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "time", name) for name in names)


def _real(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "real", name) for name in names)


def _link(name: str, to: str = "", column: str = "") -> tuple[Field, ...]:
    return (Field(name, "link", column or f"{name}_id", to or name),)


_ID: Final = (Field("id", "whole", "id", is_fixed=True),)
_STAMPS: Final = (Field("created_at", "time", "created_at"), Field("updated_at", "time", "updated_at", is_fixed=True))
_READ: Final = ("get",)
_STAMP_ORDER: Final = ("id", "created_at", "updated_at")

PAGE_KINDS: Final = (
    "Signup", "Petition", "Donation", "Survey", "Letter", "LTE", "Call", "Import", "Unsubscribe", "EventCreate",
    "EventSignup", "RecurringDonationCancel", "RecurringDonationUpdate",
)  # fmt: skip

_ADDRESS: Final = _text("address1", "address2", "city", "state", "region", "zip", "plus4", "postal", "country")
_PERSON: Final = _text("prefix", "first_name", "middle_name", "last_name", "suffix")

_ACTION: Final = (
    *_ID, *_link("user"), *_link("page"), *_text("status", "source", "opq_id", "ip_address"),
    *(Field(name, "flag", name, is_fixed=True) for name in ("created_user", "subscribed_user")),
    *_flag("is_forwarded"), *_whole("link", "taf_emails_sent"), Field("type", "text", "type", is_fixed=True),
    *_link("mailing"), *_link("referring_mailing", "mailing"), *_link("referring_user", "user"), *_STAMPS,
)  # fmt: skip
_ACTION_FILTERS: Final[dict[str, str | tuple[str, ...]]] = {
    "user": RELATED, "page": RELATED, "mailing": ALL, "source": ALL, "status": ALL, "type": ALL,
}  # fmt: skip
_PAGE: Final = (
    *_ID, *_text("name", "title", "url", "goal_type", "notes", "status", "recognize"),
    Field("type", "text", "type", is_fixed=True), *_whole("goal"),
    *_flag("hidden", "allow_multiple_responses", "never_spam_check", "one_click"),
    *_link("list"), *_link("language"), *_link("multilingual_campaign", "multilingualcampaign"),
    Field("required_fields", "texts", "required_fields"), *_STAMPS,
)  # fmt: skip
_PAGE_FILTERS: Final[dict[str, str | tuple[str, ...]]] = {
    "name": ALL, "title": ALL, "type": ALL, "hidden": EXACT, "language": RELATED, "list": ALL, "status": ALL,
}  # fmt: skip
_PAGE_EXTRA: Final = {
    "Donation": _text("payment_account"),
    "EventCreate": _link("campaign"),
    "EventSignup": _link("campaign"),
}


def _pages_and_actions() -> list[Resource]:
    made = [
        Resource("action", "core_action", _ACTION, _ACTION_FILTERS, _STAMP_ORDER, ("get", "post", "patch", "delete")),
        Resource("page", "core_page", _PAGE, _PAGE_FILTERS, (*_STAMP_ORDER, "name", "title"), _READ),
    ]
    for kind in PAGE_KINDS:
        where = f"type = '{kind}'"
        methods = ("get", "put", "patch", "delete")
        made.append(
            Resource(
                f"{kind.lower()}action", "core_action", _ACTION, _ACTION_FILTERS, _STAMP_ORDER, methods, where=where,
                kind=kind,
            )
        )  # fmt: skip
        fields = (*_PAGE, *_PAGE_EXTRA.get(kind, ()))
        made.append(
            Resource(
                f"{kind.lower()}page", "core_page", fields, _PAGE_FILTERS, (*_STAMP_ORDER, "name", "title"),
                required=("name",), where=where, kind=kind, unique="name",
            )
        )  # fmt: skip
    return made


_PEOPLE: Final = [
    Resource(
        "user", "core_user",
        (*_ID, *_text("email"), *_PERSON, *_ADDRESS, *_text("source"), *_link("lang", "language"), *_whole("rand_id"),
         Field("subscription_status", "text", "subscription_status", is_fixed=True), *_STAMPS),
        {"email": ("exact", "iexact", "in"), "first_name": ALL, "last_name": ALL, "city": ALL, "state": ALL,
         "region": ALL, "zip": ALL, "postal": ALL, "country": ALL, "source": ALL, "subscription_status": ALL,
         "lang": RELATED},
        (*_STAMP_ORDER, "email", "last_name"), required=("email",),
    ),
    Resource(
        "phone", "core_phone",
        (*_ID, *_link("user"), *_text("type", "phone", "source"),
         Field("normalized_phone", "text", "normalized_phone", is_fixed=True), *_STAMPS),
        {"user": RELATED, "type": ALL, "normalized_phone": ALL, "source": ALL}, required=("user", "type", "phone"),
    ),
    Resource(
        "userfield", "core_userfield", (*_ID, *_link("user", column="parent_id"), *_text("name", "value"), *_STAMPS),
        {"user": RELATED, "name": ALL}, required=("user", "name"),
    ),
    Resource(
        "alloweduserfield", "core_alloweduserfield",
        (*_text("name", "display_name", "field_type", "field_default", "field_choices", "field_regex", "description"),
         *_whole("field_length", "order_index"), *_flag("allow_multiple", "always_show", "required", "hidden"),
         *_STAMPS),
        {"name": ALL, "hidden": EXACT}, ("name", "order_index"), key="name", required=("name",), unique="name",
    ),
    Resource(
        "usergroup", "core_usergroup", (*_ID, *_text("name"), *_STAMPS), {"name": ALL}, ("id", "name"),
        required=("name",), unique="name",
    ),
    Resource(
        "list", "core_list", (*_ID, *_text("name", "notes"), *_flag("hidden", "is_default"), *_STAMPS),
        {"name": ALL, "hidden": EXACT}, ("id", "name"), required=("name",), unique="name",
    ),
    Resource(
        "subscription", "core_subscription", (*_ID, *_link("user"), *_link("list"), *_STAMPS),
        {"user": RELATED, "list": RELATED}, _STAMP_ORDER, _READ,
    ),
    Resource(
        "subscriptionhistory", "core_subscriptionhistory",
        (*_ID, *_link("user"), *_link("list"), *_link("change", "subscriptionchangetype"), *_link("action"), *_STAMPS),
        {"user": RELATED, "list": RELATED, "change": RELATED}, _STAMP_ORDER, _READ,
    ),
    Resource(
        "subscriptionchangetype", "core_subscriptionchangetype",
        (*_ID, *_text("name", "description"), *_flag("subscribed")), methods=_READ,
    ),
    Resource(
        "blackholedemail", "core_blackholedemail", (*_ID, *_text("email", "reason"), *_STAMPS),
        {"email": ("exact", "iexact")}, methods=("get", "post", "delete"), required=("email",), unique="email",
    ),
    Resource(
        "usermailing", "core_usermailing", (*_ID, *_link("user"), *_link("mailing"), *_time("created_at")),
        {"user": RELATED, "mailing": RELATED}, ("id", "created_at"), _READ,
    ),
    Resource(
        "actionfield", "core_actionfield", (*_ID, *_link("action", column="parent_id"), *_text("name", "value")),
        {"action": RELATED, "name": ALL, "value": ALL}, required=("action", "name"),
    ),
]  # fmt: skip

_MONEY: Final = [
    Resource(
        "order", "core_order",
        (*_ID, *_link("action"), *_link("user"), *_link("user_detail", "orderuserdetail"),
         *_link("shipping_address", "ordershippingaddress"), *_text("account", "payment_method"),
         *_text("card_num_last_four", "import_id", "currency", "status"), *_money("total", "total_converted"),
         *_STAMPS),
        {"user": RELATED, "action": RELATED, "import_id": ALL, "status": ALL, "account": ALL, "payment_method": ALL},
        _STAMP_ORDER, ("get", "put", "patch"),
    ),
    Resource(
        "orderrecurring", "core_orderrecurring",
        (*_ID, *_link("order"), *_link("action"), *_link("user"), *_text("account", "recurring_id", "period", "start"),
         *_text("currency", "card_num", "exp_date", "status"), *_whole("occurrences"),
         *_money("amount", "amount_converted"), *_STAMPS),
        {"user": RELATED, "order": RELATED, "action": RELATED, "status": ALL, "recurring_id": ALL, "account": ALL},
        _STAMP_ORDER, ("get", "put", "patch"),
    ),
    Resource(
        "transaction", "core_transaction",
        (*_ID, *_link("order"), *_text("account", "type", "status", "currency", "trans_id", "failure_code"),
         *_text("failure_message", "failure_description"), *_flag("success", "test_mode"),
         *_money("amount", "amount_converted"), *_STAMPS),
        {"order": RELATED, "status": ALL, "type": ALL, "account": ALL}, _STAMP_ORDER, ("get", "post", "put", "patch"),
        required=("order", "amount"),
    ),
    Resource(
        "orderuserdetail", "core_order_user_detail", (*_ID, *_text("email"), *_PERSON, *_ADDRESS, *_STAMPS),
        {"email": EXACT}, methods=("get", "put", "patch"),
    ),
    Resource(
        "ordershippingaddress", "core_order_shipping_address",
        (*_ID, *_text("address1", "address2", "city", "state", "zip"), *_STAMPS), methods=("get", "put", "patch"),
    ),
    Resource(
        "orderdetail", "core_order_detail",
        (*_ID, *_link("order"), *_link("product"), *_link("candidate"), *_whole("quantity"), *_money("amount"),
         *_text("currency", "status"), *_STAMPS),
        {"order": RELATED}, methods=_READ,
    ),
    Resource(
        "product", "core_product",
        (*_ID, *_text("name", "description", "status"), *_money("price"), *_flag("shippable", "hidden"), *_STAMPS),
        {"name": ALL}, required=("name", "price"),
    ),
    Resource(
        "candidate", "core_candidate", (*_ID, *_text("name", "description", "status"), *_flag("hidden"), *_STAMPS),
        {"name": ALL}, required=("name",),
    ),
]  # fmt: skip

_EVENTS: Final = [
    Resource(
        "campaign", "events_campaign",
        (*_ID, *_text("name", "title", "public_description", "default_title"),
         *_whole("default_event_size", "max_event_size"),
         *_flag("hidden", "public_create_page", "public_search_page", "show_attendee_count", "show_venue", "use_title",
                "use_start_date"),
         *_STAMPS),
        {"name": ALL, "title": ALL, "hidden": EXACT}, (*_STAMP_ORDER, "name"), required=("name",), unique="name",
    ),
    Resource(
        "event", "events_event",
        (*_ID, *_link("campaign"), *_link("creator", "user"), *_text("title", "status", "venue"), *_ADDRESS,
         *_text("phone", "public_description", "directions", "note_to_attendees", "notes"),
         *_time("starts_at", "starts_at_utc", "ends_at", "ends_at_utc", "confirmed_at"),
         *_real("latitude", "longitude"),
         *_whole("max_attendees"), Field("attendee_count", "whole", "attendee_count", is_fixed=True),
         *_flag("host_is_confirmed", "is_approved", "is_private"), *_STAMPS),
        {"campaign": RELATED, "creator": RELATED, "title": ALL, "status": ALL, "zip": ALL, "city": ALL, "state": ALL,
         "starts_at": ALL},
        ("id", "created_at", "starts_at", "title"), ("get", "put", "patch", "delete"),
    ),
    Resource(
        "eventfield", "events_eventfield", (*_ID, *_link("event", column="parent_id"), *_text("name", "value")),
        {"event": RELATED, "name": ALL}, required=("event", "name"),
    ),
    Resource(
        "eventsignup", "events_eventsignup",
        (*_ID, *_link("event"), *_link("user"), *_link("page"), *_text("role", "status"), *_flag("attended"), *_STAMPS),
        {"event": RELATED, "user": RELATED, "status": ALL}, _STAMP_ORDER, required=("event", "user"),
    ),
    Resource(
        "eventsignupfield", "events_eventsignupfield",
        (*_ID, *_link("eventsignup", column="parent_id"), *_text("name", "value")), {"eventsignup": RELATED},
        required=("eventsignup", "name"),
    ),
]  # fmt: skip

_MAILING: Final = (
    *_ID, *_text("status", "subject", "html", "text", "notes"), *_link("lang", "language"),
    *_whole("expected_send_count", "progress"), *_time("scheduled_for", "started_at", "finished_at"), *_STAMPS,
)  # fmt: skip
_OTHER: Final = [
    Resource(
        "tag", "core_tag", (*_ID, *_text("name"), *_flag("hidden"), *_whole("order_index", "times_used"), *_STAMPS),
        {"name": ALL}, ("id", "name"), required=("name",), unique="name",
    ),
    Resource(
        "language", "core_language",
        (*_ID, *_text("iso_code", "name", "translations"), *_flag("hidden"), *_whole("ordering"), *_STAMPS),
        {"iso_code": ALL, "name": ALL}, required=("iso_code", "name"),
    ),
    Resource(
        "multilingualcampaign", "core_multilingualcampaign", (*_ID, *_text("name"), *_flag("hidden"), *_STAMPS),
        {"name": ALL}, required=("name",), unique="name",
    ),
    Resource("mailing", "core_mailing", _MAILING, {"status": ALL}, _STAMP_ORDER, _READ),
    Resource("mailer", "core_mailing", _MAILING, {"status": ALL}, _STAMP_ORDER),
    Resource(
        "pagefollowup", "core_pagefollowup",
        (*_ID, *_link("page"), *_text("url", "email_subject", "email_body", "taf_subject", "taf_body"),
         *_flag("send_email", "send_confirmation", "send_taf", "send_notifications", "send_pushes", "send_texts"),
         *_STAMPS),
        {"page": RELATED}, required=("page",),
    ),
    Resource(
        "upload", "core_upload",
        (*_ID, *_link("page"), *_text("status"), *_whole("line_count", "rows_done", "has_errors", "has_warnings"),
         *_flag("is_completed", "autocreate_user_fields", "user_fields_only"), *_time("started_at", "finished_at"),
         *_STAMPS),
        {"page": RELATED}, _STAMP_ORDER, ("get", "post"),
    ),
    Resource(
        "uploaderror", "core_uploaderror",
        (*_ID, *_link("upload"), *_whole("row", "col"), *_text("message", "raw", "value", "exception"), *_STAMPS),
        {"upload": RELATED}, methods=_READ,
    ),
    Resource(
        "queryreport", "core_queryreport",
        (*_ID, *_text("name", "short_name", "description", "sql"), *_flag("hidden"), *_STAMPS),
        {"name": ALL, "short_name": ALL}, required=("name", "short_name", "sql"), unique="short_name",
    ),
]  # fmt: skip

RESOURCES: Final = {one.name: one for one in (*_pages_and_actions(), *_PEOPLE, *_MONEY, *_EVENTS, *_OTHER)}

LOOSE: Final = (
    "signupform", "petitionform", "donationform", "surveyform", "letterform", "unsubscribeform", "eventcreateform",
    "eventsignupform", "surveyquestion", "paymenttoken", "allowedpagefield", "allowedmailingfield",
    "usergeofield",
)  # fmt: skip
"""Resources that keep whatever is sent: nothing else here depends on them."""
