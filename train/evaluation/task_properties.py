"""Properties of a task that decide what its report contains, derived from its bundle."""

from models.bundle import BundleInfo, PreprocessingName

NOT_A_DIAGNOSIS = (
    "This model was trained on X-rays of children of one hospital. It is for teaching and must not be used to decide "
    "anything about a patient."
)
DISCLAIMERS = {"pneumonia": NOT_A_DIAGNOSIS}  # built-in tasks, whose data are known
GENERAL_DISCLAIMER = "This model is for teaching and must not be used to decide anything about a patient."


def is_radiograph(preprocessing: PreprocessingName) -> bool:
    """Return True for the preprocessing of X-rays: grey levels stretched to the full range."""
    return preprocessing == "stretch_gray"


def disclaimer(info: BundleInfo) -> str | None:
    """Return the disclaimer of a model that finds a disease in X-rays, None for any other model.

    Such a model has an operating point, and so two labels, one of which is the finding.
    """
    finds_disease = is_radiograph(info.preprocessing) and info.thresholds.operating is not None
    return DISCLAIMERS.get(info.task, GENERAL_DISCLAIMER) if finds_disease else None
