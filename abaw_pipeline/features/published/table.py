"""Every published set of weights that an extractor is made for, by the name under which settings ask for it.

Licences are those that the model cards of timm and of the hub's owners, torchvision and the repositories state; file
names of torchvision and torchvggish end in the first digits of the sha256.
"""

from __future__ import annotations

from abaw_pipeline.features.published.entries import ByHand, Download, HubFile, HubModel, Licence, Published

APACHE = Licence("Apache-2.0", "allowed")
BSD = Licence("BSD-3-Clause", "allowed")
MIT = Licence("MIT", "allowed")
NON_COMMERCIAL = Licence("CC-BY-NC-4.0", "forbidden")
RESEARCH = Licence("research only", "forbidden")
UNSTATED = Licence("none stated", "unknown")

_IMAGENET = "RGB 224, ImageNet mean and deviation"
_ARCFACE = "RGB 112, aligned by five points, (x/255 - 0.5)/0.5"
_FACENET = "RGB 160, (x - 127.5)/128"
_SPEECH = "mono 16 kHz"
_TEXT = "text, by its own tokenizer"

_TIMM = "timm's; a classifier is not used"
_TORCHVISION = "torchvision's; the classifier is not used"
_ARCFACE_TORCH = "insightface's arcface_torch"
_FACENET_PYTORCH = "facenet-pytorch's; 'logits' is not used"
_TRANSFORMERS = "transformers'; heads of pre-training are not used"
_TORCHVGGISH = "torchvggish's"

_SITUTECH = "no public address is known: trained by the SituTech group (ABAW4, ABAW5); ask its authors"


def _timm(model: str, *features: str, licence: Licence = APACHE, seen: str = _IMAGENET) -> Published:
    return Published(HubFile(f"timm/{model}", "model.safetensors"), features, licence, seen, _TIMM)


def _torchvision(file: str, feature: str, seen: str) -> Published:
    prefix = file.removesuffix(".pth").rsplit("-", 1)[-1]
    source = Download(f"https://download.pytorch.org/models/{file}")
    return Published(source, (feature,), BSD, seen, _TORCHVISION, sha256_prefix=prefix)


def _vggish(file: str, feature: str, seen: str) -> Published:
    prefix = file.removesuffix(".pth").rsplit("-", 1)[-1]
    source = Download(f"https://github.com/harritaylor/torchvggish/releases/download/v0.1/{file}")
    return Published(source, (feature,), APACHE, seen, _TORCHVGGISH, sha256_prefix=prefix)


def _facenet(file: str, feature: str) -> Published:
    source = Download(f"https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/{file}")
    licence = Licence("MIT (of the repository), none stated for the weights", "unknown")
    return Published(source, (feature,), licence, _FACENET, _FACENET_PYTORCH)


def _facebook(model: str, feature: str, revision: str = "main") -> Published:
    source = HubFile(f"facebook/{model}", "pytorch_model.bin", revision)
    return Published(source, (feature,), APACHE, _SPEECH, _TRANSFORMERS)


def _encoder(repo: str, licence: Licence) -> Published:
    return Published(HubModel(repo), ("text",), licence, _TEXT, _TRANSFORMERS)


PUBLISHED: dict[str, Published] = {
    "bert_base": _encoder("google-bert/bert-base-uncased", APACHE),
    "densenet121": _torchvision("densenet121-a639ec97.pth", "deepspectrum", "a spectrogram in colours, RGB 224"),
    "densenet342": Published(
        ByHand(_SITUTECH),
        ("densenet",),
        UNSTATED,
        "grey 64, 0 to 255, mean 101.63449, deviation 59.74126",
        "torchvision's densenet, without norm0 and pool0",
    ),
    "ecapa_voxceleb": Published(
        HubFile("speechbrain/spkrec-ecapa-voxceleb", "embedding_model.ckpt"),
        ("ecapatdnn",),
        APACHE,
        "80 log-mel bands of mono 16 kHz, mean of the window taken off",
        "speechbrain's ECAPA_TDNN",
    ),
    "fau": Published(ByHand(_SITUTECH), ("fau",), UNSTATED, _ARCFACE, _ARCFACE_TORCH),
    "hubert_base": _facebook("hubert-base-ls960", "hubert"),
    "hubert_large": _facebook("hubert-large-ll60k", "hubert"),
    "inception_casia": _facenet("20180408-102900-casia-webface.pt", "inception_casia"),
    "inception_vggface2": _facenet("20180402-114759-vggface2.pt", "inception_vggface2"),
    "ires100_expression": Published(ByHand(_SITUTECH), ("ires100",), UNSTATED, _ARCFACE, _ARCFACE_TORCH),
    "ires100_glint360k": Published(
        ByHand("https://github.com/deepinsight/insightface, model zoo of arcface_torch: Glint360K, r100, backbone.pth"),
        ("ires100",),
        RESEARCH,
        _ARCFACE,
        _ARCFACE_TORCH,
    ),
    "mae_base": _timm("vit_base_patch16_224.mae", "mae", licence=NON_COMMERCIAL),
    "mae_face": Published(
        ByHand(
            "no public address is known: pre-trained on faces by the SituTech and Netease groups; ask their authors"
        ),
        ("mae",),
        UNSTATED,
        _IMAGENET,
        "facebook's MAE ('model', norm or fc_norm) or MAE-pytorch's ('encoder.', q_bias and v_bias, no CLS token)",
    ),
    "mae_large": _timm("vit_large_patch16_224.mae", "mae", licence=NON_COMMERCIAL),
    "mobilenetv3": _timm("mobilenetv3_large_100.ra_in1k", "ms_va"),
    "mobilenet_va": Published(ByHand(_SITUTECH), ("ms_va",), UNSTATED, _IMAGENET, _TIMM),
    "poster_v2": Published(
        ByHand("https://github.com/Talented-Q/POSTER_V2, the checkpoint of AffectNet-7 linked from its README"),
        ("poster_vit",),
        UNSTATED,
        _IMAGENET,
        "POSTER V2's; the landmark and IR50 branches are in it, some layers of 'VIT.' are loaded and not used",
    ),
    "regnet_y_1_6gf": _torchvision("regnet_y_1_6gf-b11a554e.pth", "regnet", _IMAGENET),
    "regnet_y_1_6gf_v2": _torchvision("regnet_y_1_6gf-0d7bc02a.pth", "regnet", _IMAGENET),
    "regnet_y_400mf": _torchvision("regnet_y_400mf-c65dace8.pth", "regnet", _IMAGENET),
    "regnet_y_400mf_v2": _torchvision("regnet_y_400mf-e6988f5f.pth", "regnet", _IMAGENET),
    "resnet50": _timm("resnet50.a1_in1k", "scene", seen="RGB, size and statistics of timm's configuration"),
    "roberta_base": _encoder("FacebookAI/roberta-base", MIT),
    "vggish": _vggish("vggish-10086976.pth", "vggish", "64 log-mel bands of mono 16 kHz, 96 frames of 10 ms"),
    "vggish_pca": _vggish("vggish_pca_params-970ea276.pth", "vggish.pca", "embeddings of VGGish"),
    "vit_base": _timm(
        "vit_base_patch16_224.augreg2_in21k_ft_in1k", "poster_vit.vit", seen="RGB 224, (x/255 - 0.5)/0.5"
    ),
    "wav2vec2_base": _facebook("wav2vec2-base", "wav2vec"),
    "wav2vec2_base_960h": _facebook("wav2vec2-base-960h", "wav2vec", "22aad52"),
    "wav2vec2_large": _facebook("wav2vec2-large", "wav2vec"),
}


def published_for(extractor: str, field: str) -> dict[str, Published]:
    """The entries that serve one field of an extractor, by name."""
    wanted = extractor if field == "weights" else f"{extractor}.{field}"
    return {name: entry for name, entry in PUBLISHED.items() if wanted in entry.features}
