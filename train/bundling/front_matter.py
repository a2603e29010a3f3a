"""Front matter of the model card: the metadata that the Hub searches and shows."""

from huggingface_hub import EvalResult, ModelCardData

from models.bundle import BundleInfo
from train.sources.datasets import Credit

LICENSE = "mit"  # of the models, as of the project: see LICENSE
# Metrics of the test split that the Hub shows: our name → its type and title there.
HUB_METRICS = {
    "accuracy": ("accuracy", "Accuracy"),
    "balanced_accuracy": ("balanced_accuracy", "Balanced accuracy"),
    "roc_auc": ("roc_auc", "ROC AUC"),
    "sensitivity": ("recall", "Sensitivity (recall of {positive_label})"),
    "specificity": ("specificity", "Specificity"),
}


def card_metadata(info: BundleInfo, credit: Credit) -> ModelCardData:
    """Return the metadata of the card. Its `to_yaml` includes the test metrics as `model-index`.

    The license of a user's own folder of pictures is unknown, so the license of its model is not recorded either.
    """
    results = _eval_results(info, credit)
    has_license = bool(credit.citation)
    return ModelCardData(
        language=["es", "en"],
        license=LICENSE if has_license else "other",
        license_name=None if has_license else "not-recorded",
        library_name="keras",
        pipeline_tag="image-classification",
        tags=["vistazo", "litert", info.task],
        datasets=[credit.hub_id] if credit.hub_id else None,
        metrics=[result.metric_type for result in results],
        model_name=f"vistazo-{info.task}",
        eval_results=results,
    )


def _eval_results(info: BundleInfo, credit: Credit) -> list[EvalResult]:
    operating = info.thresholds.operating
    positive_label = "" if operating is None else operating.label
    metrics = info.metrics["test"].metrics
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=credit.hub_id or info.task,
            dataset_name=credit.name,
            dataset_split="test",
            metric_type=metric_type,
            metric_value=metrics[name].value,
            metric_name=title.format(positive_label=positive_label),
        )
        for name, (metric_type, title) in HUB_METRICS.items()
        if name in metrics
    ]
