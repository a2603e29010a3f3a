"""Telling when the accelerator's memory ran out, whichever backend says so."""


def ran_out(error: Exception) -> bool:
    """Whether `error` is TensorFlow's, PyTorch's or XLA's way to say that there was no memory left."""
    if "No space left on device" in str(error):  # TensorFlow has one error for memory and disk
        return False
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ in {"ResourceExhaustedError", "OutOfMemoryError"}
        or "RESOURCE_EXHAUSTED" in str(error)
    )
