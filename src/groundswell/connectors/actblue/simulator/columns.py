"""The headers of the CSVs, as clients have met them (C)."""

from typing import Final

CONTRIBUTIONS: Final = (
    "Receipt ID", "Date", "Amount", "Recurring Total Months", "Recurrence Number", "Recipient", "Fundraising Page",
    "Fundraising Partner", "Reference Code 2", "Reference Code", "Donor First Name", "Donor Last Name", "Donor Addr1",
    "Donor Addr2", "Donor City", "Donor State", "Donor ZIP", "Donor Country", "Donor Occupation", "Donor Employer",
    "Donor Email", "Donor Phone", "New Express Signup", "Comments", "Check Number", "Check Date", "Employer Addr1",
    "Employer Addr2", "Employer City", "Employer State", "Employer ZIP", "Employer Country", "Donor ID",
    "Fundraiser ID", "Fundraiser Recipient ID", "Fundraiser Contact Email", "Fundraiser Contact First Name",
    "Fundraiser Contact Last Name", "Partner ID", "Partner Contact Email", "Partner Contact First Name",
    "Partner Contact Last Name", "Reserved", "Lineitem ID", "AB Test Name", "AB Variation", "Recipient Committee",
    "Recipient ID", "Recipient Gov ID", "Recipient Election", "Reserved", "Payment ID", "Payment Date",
    "Disbursement ID", "Disbursement Date", "Recovery ID", "Recovery Date", "Refund ID", "Refund Date", "Fee",
    "Recur Weekly", "ActBlue Express Lane", "Reserved", "Card Type", "Reserved", "Reserved", "Reserved", "Reserved",
    "Mobile", "Recurring Upsell Shown", "Recurring Upsell Succeeded", "Double Down", "Smart Recurring",
    "Monthly Recurring Amount", "Apple Pay", "Card Replaced by Account Updater", "ActBlue Express Donor",
    "Custom Field 1 Label", "Custom Field 1 Value", "Donor US Passport Number", "Text Message Opt In",
    "Gift Identifier", "Gift Declined", "Shipping Addr1", "Shipping City", "Shipping State", "Shipping Zip",
    "Shipping Country", "Weekly Recurring Amount", "Smart Boost Amount", "Smart Boost Shown", "Bump Recurring Seen",
    "Bump Recurring Succeeded", "Weekly to Monthly Rollover Date", "Weekly Recurring Sunset", "Recurring Type",
    "Recurring Pledged", "Paypal", "Kind", "Managed Entity Name", "Managed Entity Committee Name",
)  # fmt: skip

_LAST_OLDER: Final = CONTRIBUTIONS.index("Gift Declined")
OLDER_CONTRIBUTIONS: Final = (
    *CONTRIBUTIONS[: _LAST_OLDER + 1], "Merchant ID", "Approved", "Card Last4", "Card Expiration", "Card AVS",
)  # fmt: skip
"""With five that are gone now; which of the others came later nobody wrote down (?)."""

OLDER_CANCELLATIONS: Final = (
    "Receipt ID", "Recurrence Amount", "Total Amount", "Initial Pledge Length", "Recurrence Frequency",
    "Initial Contribution Date", "Cancelled On", "Express Donor", "Donor First Name", "Donor Last Name",
    "Donor Address", "Donor City", "Donor State", "Donor ZIP", "Donor Country", "Donor Occupation", "Donor Employer",
    "Donor Email", "Donor Phone", "Reference Code", "Bump Recurring Seen", "Bump Recurring Succeeded",
)  # fmt: skip

CANCELLATIONS: Final = (
    *OLDER_CANCELLATIONS, "Cancelation Reason",
    "Reference Code 2", "Recipient", "Recipient ID", "Recipient Gov ID", "Recipient Committee", "Recipient Election",
    "Fundraising Page", "Fundraising Partner", "Fundraiser ID", "Partner ID", "Donor ID", "Donor Addr2",
    "Employer Addr1", "Employer City", "Employer State", "Employer ZIP", "Employer Country", "AB Test Name",
    "AB Variation", "Mobile", "Recurring Type", "Recurring Pledged", "Kind", "Managed Entity Name", "Reserved",
    "Reserved",
)  # fmt: skip
"""Forty-nine: the older ones, the reason in that spelling, and others of which only the number is known (?)."""
