"""The front matter of the model card: what the Hub searches and shows beside the text."""

from huggingface_hub import EvalResult, ModelCardData

from models.bundle import BundleInfo
from train.sources.datasets import Credit

LICENSE = "mit"  # of the models, as of the project: see LICENSE
# Figures of the test pictures that the Hub lists: their names there, with {positive} for the label looked for.
LISTED = {
    "accuracy": ("accuracy", "Accuracy"),
    "balanced_accuracy": ("balanced_accuracy", "Balanced accuracy"),
    "roc_auc": ("roc_auc", "ROC AUC"),
    "sensitivity": ("recall", "Sensitivity (recall of {positive})"),
    "specificity": ("specificity", "Specificity"),
}


def front_matter(info: BundleInfo, credit: Credit) -> ModelCardData:
    """The metadata of the card: `to_yaml` writes them, with `model-index` for the figures of the test pictures.

    A person's own folder has no known terms, so its model has none either.
    """
    results = _results(info, credit)
    known = bool(credit.citation)
    return ModelCardData(
        language=["es", "en"],
        license=LICENSE if known else "other",
        license_name=None if known else "not-recorded",
        library_name="keras",
        pipeline_tag="image-classification",
        tags=["vistazo", "litert", info.task],
        datasets=[credit.hub_id] if credit.hub_id else None,
        metrics=[result.metric_type for result in results],
        model_name=f"vistazo-{info.task}",
        eval_results=results,
    )


def _results(info: BundleInfo, credit: Credit) -> list[EvalResult]:
    operating = info.thresholds.operating
    positive = "" if operating is None else operating.label
    measured = info.metrics["test"].metrics
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=credit.hub_id or info.task,
            dataset_name=credit.name,
            dataset_split="test",
            metric_type=kind,
            metric_value=measured[figure].value,
            metric_name=name.format(positive=positive),
        )
        for figure, (kind, name) in LISTED.items()
        if figure in measured
    ]
