"""The fair order of those who wait."""

import asyncio
from collections.abc import Sequence

from serving.fair_gate import FairGate


def order_of(permits: int, waits: Sequence[tuple[str, float]]) -> list[str]:
    """Let all wait at once, one after another through the gate, and return the callers in the order of passing."""
    passed: list[str] = []

    async def main() -> None:
        gate = FairGate(permits, slow_permits=1)
        for number in range(permits):
            await gate.acquire(f"first {number}", 1)

        async def wait(caller: str, cost: float) -> None:
            await gate.acquire(caller, cost)
            passed.append(caller)

        tasks = [asyncio.create_task(wait(caller, cost)) for caller, cost in waits]
        await asyncio.sleep(0)
        holders = [f"first {number}" for number in range(permits)]
        for _ in waits:
            gate.release(holders.pop(), was_quick=True)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            holders.append(passed[-1])
        await asyncio.gather(*tasks)

    asyncio.run(main())
    return passed


def test_callers_take_turns() -> None:
    assert order_of(1, [("a", 1), ("a", 1), ("a", 1), ("b", 1), ("b", 1)]) == ["a", "b", "a", "b", "a"]


def test_equal_callers_pass_in_order_of_arrival() -> None:
    assert order_of(2, [("a", 1), ("b", 1), ("c", 1)]) == ["a", "b", "c"]


def test_twice_the_cost_is_half_the_turns() -> None:
    assert order_of(1, [("dear", 2)] * 2 + [("cheap", 1)] * 4) == ["cheap", "dear", "cheap", "cheap", "dear", "cheap"]


def test_a_cancelled_wait_takes_no_permit() -> None:
    async def main() -> None:
        gate = FairGate(1, slow_permits=1)
        await gate.acquire("a", 1)
        waiting = asyncio.create_task(gate.acquire("b", 1))
        await asyncio.sleep(0)
        waiting.cancel()
        gate.release("a", was_quick=True)
        await asyncio.wait_for(gate.acquire("c", 1), 10)

    asyncio.run(main())


def test_a_wait_that_is_cancelled_as_it_ends_gives_its_permit_back() -> None:
    async def main() -> None:
        gate = FairGate(1, slow_permits=1)
        await gate.acquire("a", 1)
        waiting = asyncio.create_task(gate.acquire("b", 1))
        await asyncio.sleep(0)
        gate.release("a", was_quick=True)  # b may pass, and has not noticed yet
        waiting.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.wait_for(gate.acquire("c", 1), 10)

    asyncio.run(main())


def test_a_caller_of_slow_work_leaves_a_permit_to_others() -> None:
    async def main() -> None:
        gate = FairGate(2, slow_permits=1)
        await gate.acquire("slow", 1)
        second = asyncio.create_task(gate.acquire("slow", 1))
        await asyncio.sleep(0)
        assert not second.done()
        await asyncio.wait_for(gate.acquire("another", 1), 10)
        gate.release("slow", was_quick=False)
        await asyncio.wait_for(second, 10)

    asyncio.run(main())


def test_a_caller_of_quick_work_may_take_all_permits() -> None:
    async def main() -> None:
        gate = FairGate(2, slow_permits=1)
        await gate.acquire("quick", 1)
        waiting = [asyncio.create_task(gate.acquire("quick", 1)) for _ in range(2)]
        await asyncio.sleep(0)
        gate.release("quick", was_quick=True)
        await asyncio.wait_for(asyncio.gather(*waiting), 10)

    asyncio.run(main())


def test_with_one_permit_everybody_may_have_it() -> None:
    async def main() -> None:
        gate = FairGate(1, slow_permits=1)
        for was_quick in (False, True, False):
            await asyncio.wait_for(gate.acquire("a", 1), 10)
            gate.release("a", was_quick=was_quick)

    asyncio.run(main())
