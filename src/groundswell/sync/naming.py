"""What stands for one person in records, besides their phone and email: how their number is written, here and there."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from groundswell.members.member import MEMBER, WRITES, marker_of
from groundswell.sync.records import OWN
from groundswell.sync.sides import SIDES


def words_naming(
    members: Iterable[int], links: Collection[tuple[str, str]], vendors: Mapping[str, str]
) -> Iterator[str]:
    """Words that are in what is about these members and counterparts (account, remote id), and in nothing else.

    `vendors`: the types of all accounts, by name. A number of a vendor says who it is only where there is one account.
    """
    for member in members:
        yield f"{OWN}member/{member}"
        yield f"{OWN}group_member/{member}."
        yield f'"{MEMBER}":"{member}"'
        for account in vendors:
            yield f"{WRITES}{account}.{marker_of(member)}@"
    accounts_of = list(vendors.values())
    for account, remote_id in links:
        yield f"{WRITES}{account}.{remote_id}@"
        vendor = vendors.get(account)
        if vendor in SIDES and accounts_of.count(vendor) == 1:
            yield f'"{vendor}":"{remote_id}"'
            yield from (form.format(remote_id) for form in SIDES[vendor].named_as)
