"""Image encoders that were trained elsewhere: modules, models of timm, and files of weights."""

import copy
import difflib
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch

from ._process import float32_by_default, isolated_rng


@dataclass(frozen=True)
class ImageFormat:
    """The images that an encoder was trained on; None is whatever it is given."""

    size: tuple | None = None  # (height, width)
    mean: tuple | None = None
    std: tuple | None = None
    interpolation: str = "bicubic"


def load_encoder(encoder, weights=None):
    """Make an encoder for prediction, without touching the one that was given.

    Parameters
    ----------
    encoder : torch.nn.Module, subclass of it, or str
        A module, a class that is built without arguments, or ``"timm:NAME"``.
    weights : str, path-like or None
        File of weights, safetensors or what torch loads with ``weights_only=True``.

    Returns
    -------
    module : torch.nn.Module
        The encoder in evaluation mode, in float32, on the CPU.
    image_format : ImageFormat
        What it expects of its images.

    Raises
    ------
    ValueError
        If there is no such model, or the file does not hold its weights.
    OSError
        If the weights cannot be downloaded.
    ImportError
        If timm is not installed, or does not import.
    """
    is_class = isinstance(encoder, type) and issubclass(encoder, torch.nn.Module)
    is_name = isinstance(encoder, str) and encoder.startswith("timm:")
    if not (is_class or is_name or isinstance(encoder, torch.nn.Module)):
        raise ValueError(
            f'encoder must be a torch.nn.Module, a class of one or "timm:NAME", got {encoder!r}.'
        )
    with float32_by_default():
        if is_name:
            module, image_format = _load_timm(encoder.removeprefix("timm:"), weights)
        else:
            module, image_format = _load_module(encoder, weights), ImageFormat()
    return module.eval().float().requires_grad_(False), image_format


def _load_module(encoder, weights):
    if isinstance(encoder, type):
        with isolated_rng(0, "cpu"):  # weights that it draws are the same in every process
            module = encoder()
    else:
        module = copy.deepcopy(encoder).cpu()
    if weights is not None:
        try:
            module.load_state_dict(_read_weights(weights))
        except RuntimeError as error:
            raise ValueError(
                f"{weights} does not hold the weights of {type(module).__name__}: {error}"
            ) from error
    return module


def _read_weights(path):
    """State dict of a file; nothing in it is executed."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"weights={str(path)!r}: there is no such file.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f"{path} cannot be loaded with weights_only=True: it is damaged, or holds more than "
            f"weights, and loading that could run any code. Where it can be trusted, save "
            f"module.state_dict() with torch.save or as safetensors."
        ) from error
    if not (isinstance(state, dict) and all(map(torch.is_tensor, state.values()))):
        raise ValueError(
            f"{path} is no table of weights by their names: save module.state_dict() alone."
        )
    return state


def _read_safetensors(path):
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise ImportError(f'{path} needs safetensors: pip install "skwater[encoders]".') from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged, or no safetensors file: {error}") from error


def _load_timm(name, weights):
    timm = _import_timm()
    if not timm.is_model(name.split(".")[0]):
        near = difflib.get_close_matches(name.split(".")[0], timm.list_models(), n=3)
        raise ValueError(
            f"timm {timm.__version__} has no model {name!r}"
            f"{': did you mean ' + ' or '.join(near) if near else ''}. timm.list_models() has all."
        )
    if weights is None:
        module = _download(timm, name)
    else:
        try:
            module = _fill(timm, name, _read_weights(weights))
        except (RuntimeError, KeyError) as error:
            raise ValueError(f"{weights} does not hold the weights of {name!r}: {error}") from error
    config = timm.data.resolve_model_data_config(module)
    return module, ImageFormat(
        config["input_size"][1:], config["mean"], config["std"], config["interpolation"]
    )


def _import_timm():
    try:
        import timm
    except ImportError as error:
        raise ImportError(
            'encoder="timm:..." needs timm: pip install "skwater[encoders]".'
        ) from error
    except RuntimeError as error:
        raise ImportError(
            f"timm cannot be imported, because torchvision and torch do not belong together "
            f"({error}). Install both anew, from the same source."
        ) from error
    return timm


def _fill(timm, name, state):
    """Make a model with these weights, those of a classifier or not.

    With as many classes as the file has, timm compares all names; with another number it would
    leave weights that are not in the file at random.
    """
    heads = (timm.get_pretrained_cfg(name) or timm.models.PretrainedCfg()).classifier or ()
    head = heads if isinstance(heads, str) else next(iter(heads), "")
    n_classes = len(state.get(f"{head}.weight", ()))
    overlay = {"state_dict": state, "num_classes": n_classes, "label_offset": 0}
    module = timm.create_model(
        name, pretrained=True, num_classes=n_classes, pretrained_cfg_overlay=overlay
    )
    del module.pretrained_cfg["state_dict"]
    module.reset_classifier(0)
    return module


def _download(timm, name):
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise ValueError(
            f"timm has no pretrained weights for {name!r}: choose a model of "
            f"timm.list_models(pretrained=True), or give a file as weights=."
        )
    try:
        return timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:
        raise OSError(
            f"The weights of {name!r} could not be downloaded ({type(error).__name__}). Fetch "
            f"{_address(config)} on a computer with internet access, and give the path of that "
            f'file: FrameEncoder("timm:{name}", weights="path/to/file").'
        ) from error


def _address(config):
    if not config.hf_hub_id:
        return config.url
    from huggingface_hub import hf_hub_url

    repository, _, revision = config.hf_hub_id.partition("@")
    file = config.hf_hub_filename or "model.safetensors"
    return hf_hub_url(repository, file, revision=revision or None)
