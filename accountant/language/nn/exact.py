"""The exact tensors that `nn` computes with outside of a chain, imported at first use: compiling needs no torch."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import accountant.tensors as exact
    import accountant.tensors.files as files
    import accountant.tensors.fit as training
    import accountant.tensors.layers as layers
    import accountant.tensors.training_settings as training_settings
else:

    class _AtFirstUse:
        """Stands for a module."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            return getattr(importlib.import_module(self._name), name)

    exact, files, training, layers, training_settings = (
        _AtFirstUse(f"accountant.tensors{part}") for part in ("", ".files", ".fit", ".layers", ".training_settings")
    )

__all__ = ["exact", "files", "layers", "training", "training_settings"]
