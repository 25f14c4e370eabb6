"""Settle who owes whom after a shared holiday, with as few payments as is easily possible.

Amounts are whole cents, because fractions of a cent are how friendships end. Someone always paid
the groceries, someone the ferry; what counts in the end is only each person's balance: what they
laid out minus their fair share.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Expense:
    """Money that one person laid out for several, themselves included or not."""

    payer: str
    cents: int
    sharers: tuple[str, ...]


@dataclass(frozen=True)
class Payment:
    """A transfer that settles debts."""

    debtor: str
    creditor: str
    cents: int


def balances(expenses: list[Expense]) -> dict[str, int]:
    """Each person's balance in cents, positive for those who get money back; the sum is exactly
    zero.

    Cents that cannot be divided go to the first sharers in the order given.
    """
    result: dict[str, int] = {}
    for expense in expenses:
        if not expense.sharers:
            raise ValueError(f"nobody shares the expense of {expense.payer}")
        result[expense.payer] = result.get(expense.payer, 0) + expense.cents
        share, odd = divmod(expense.cents, len(expense.sharers))
        for place, name in enumerate(expense.sharers):
            result[name] = result.get(name, 0) - share - (place < odd)
    return result


def settle(expenses: list[Expense]) -> list[Payment]:
    """Payments after which every balance is zero: the deepest debtor pays the largest creditor,
    again and again.
    """
    open_balances = {name: cents for name, cents in balances(expenses).items() if cents}
    payments = []
    while open_balances:
        debtor = min(open_balances, key=lambda name: (open_balances[name], name))
        creditor = max(open_balances, key=lambda name: (open_balances[name], name))
        cents = min(-open_balances[debtor], open_balances[creditor])
        payments.append(Payment(debtor, creditor, cents))
        for name, change in ((debtor, cents), (creditor, -cents)):
            open_balances[name] += change
            if not open_balances[name]:
                del open_balances[name]
    return payments
