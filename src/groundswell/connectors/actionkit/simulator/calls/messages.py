"""What validation says to people, in the language of the page: nobody should look for words in it (C)."""

from typing import Final

_MESSAGES: Final = {
    "en": {
        "email": "E-mail address is invalid.",
        "zip": "ZIP Code is invalid.",
        "plus4": "ZIP+4 is invalid.",
        "required": "This field is required.",
        "mailing": "Unable to associate this mailing ID with account.",
        "akid": "Unable to find an account for this link.",
        "user_field": "This custom user field is not allowed.",
        "twice": "You have already taken this action.",
        "event": "Unable to find this event.",
        "full": "This event is full.",
        "card_num": "Card number is required.",
        "amount": "Please enter an amount.",
        "account": "Unable to find a payment account with this name.",
        "product": "Unable to find this item on the page.",
    },
    "de": {
        "email": "Die E-Mail-Adresse ist ungültig.",
        "zip": "Die Postleitzahl ist ungültig.",
        "plus4": "Die Postleitzahl ist ungültig.",
        "required": "Dieses Feld ist erforderlich.",
        "mailing": "Diese Mailing-ID gehört nicht zu diesem Konto.",
        "akid": "Zu diesem Link gibt es kein Konto.",
        "user_field": "Dieses Feld ist nicht erlaubt.",
        "twice": "Du hast hier schon mitgemacht.",
        "event": "Diese Veranstaltung gibt es nicht.",
        "full": "Diese Veranstaltung ist ausgebucht.",
        "card_num": "Die Kartennummer fehlt.",
        "amount": "Bitte gib einen Betrag ein.",
        "account": "Dieses Zahlungskonto gibt es nicht.",
        "product": "Das gibt es auf dieser Seite nicht.",
    },
}


def message(language: str, word: str) -> str:
    return _MESSAGES[language][word]
