"""The indicators that Khanna et al. measured on 30 boxes of sugar beets."""

import hashlib
import os
import warnings
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import numpy as np

from .._typing import StrPath
from .._validation import validate_params
from ..sequences import onset_from_days
from ._data_home import get_data_home
from ._plant_bunch import ExperimentBunch

# The measurement dates of 2018. The file names them nowhere; they are those of the authors'
# class IndicatorData, whose objects the files hold.
DAYS = np.array([0, 12, 14, 18, 21, 25, 28, 32, 36, 39, 43, 46, 49, 53, 56, 70])
ONSET_DAY = 28


class RemoteFile(NamedTuple):
    name: str
    commit: str
    sha256: str

    @property
    def url(self):
        repository = "https://raw.githubusercontent.com/ethz-asl/plant_stress_phenotyping"
        return f"{repository}/{self.commit}/results/{self.name}"


_MEANS = RemoteFile(
    name="indicatorsAllMeans.mat",
    commit="9a7f7db9cbc3641ef7bfabf0818756c58c2e18af",
    sha256="424a306d6a5ed0c60f3238aca7acc3e08cab700e4b3129e3b9723763147c2f28",
)
_MEANS_AND_VARIANCES = RemoteFile(
    name="indicatorsAllMeansAndVariances.mat",
    commit="734c418876d0ab16383c9920e9ddeed6b3fe0e88",
    sha256="f319a453192214c4b13ef95a817b02613813c2f6f79c71be1037f484d587a5f0",
)

_DESCR = """\
Eschikon sugar beet indicators
==============================

Measurements, not simulated. Thirty boxes of sugar beets (Beta vulgaris) grew in a greenhouse of
the ETH research station Eschikon (Switzerland) in 2018 and were imaged on 16 dates, 0 to 70
days after sowing, by a color, a stereo infrared and a multispectral camera. The authors
computed indicators from each box and date.

:boxes: 30, as ten treatments of three neighboring boxes
:dates: 16 (`days`, days after sowing)
:indicators: 28, or 54 with the variances over each box (`feature_names`)
:target: 1 = drying (9 boxes: 13-15, 19-21, 28-30), not watered after day 28; 0 = watered (21)
:nitrogen: high (boxes 1-3, 7-12, 16-18), medium (4-6, 13-15, 19-21), low (22-30)
:weeds: none, few (7-9, 25-27), many (10-12, 19-21), only weeds and no beets (16-18)
:missing values: none

Indicators, under the authors' names: canopy cover (a fraction from 0 to 1, although its name
says [%]), estimated volume (m x pixels), height (m), and the reflectances MS1 to MS25 in the 25
bands of the multispectral camera. `Var` marks the variance over a box.

What can mislead
----------------
* Whole treatments dry out, never single boxes, and no drying box has high nitrogen: boxes differ
  before day 28 already. Split by `treatment` to ask whether a model has learned drought.
* The canopy cover of the drying boxes falls until day 53 and is back at 0.9 by day 70, as if they
  had been watered again; the files do not say.
* The cover at day 0, about 0.1 on bare soil, is an artefact of the segmentation.
* The two files disagree on the shared indicators on days 49 and 70: one of them was computed again.
  Do not mix columns of both.

Source and licence
------------------
Khanna, R., Schmid, L., Walter, A., Nieto, J., Siegwart, R., Liebisch, F. (2019). A spatio temporal
spectral framework for plant stress phenotyping. Plant Methods 15, 13.
https://doi.org/10.1186/s13007-019-0398-8

Files from https://github.com/ethz-asl/plant_stress_phenotyping, BSD-3-Clause licence. Please cite
the paper if you use them.
"""


@overload
def fetch_eschikon_indicators(
    data_home: StrPath | None = ...,
    *,
    download_if_missing: bool = ...,
    variances: bool = ...,
    return_X_y: Literal[False] = ...,
) -> ExperimentBunch: ...
@overload
def fetch_eschikon_indicators(
    *args: Any, return_X_y: Literal[True], **kwargs: Any
) -> tuple[np.ndarray, np.ndarray]: ...
@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "variances": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_eschikon_indicators(
    data_home: StrPath | None = None,
    *,
    download_if_missing: bool = True,
    variances: bool = False,
    return_X_y: bool = False,
) -> ExperimentBunch | tuple[np.ndarray, np.ndarray]:
    """Load the plant indicators of the Eschikon drought experiment (measured, classification).

    Thirty boxes of sugar beets on 16 dates; nine boxes dried out after day 28 [1]_. The file of
    about 0.2 MB is downloaded once from the authors' repository.

    Scores mislead if a split ignores `treatment`: whole treatments dried out and none of them
    had high nitrogen, so that the groups differ before the drought. Nine stressed boxes also
    mean that one box more or less moves the recall by a ninth.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of downloaded data, see :func:`get_data_home`. The file is kept in its subfolder
        ``eschikon``; an existing one is used without any network.
    download_if_missing : bool, default=True
        If False, raise an OSError if the file is missing, instead of downloading it.
    variances : bool, default=False
        If True, load 54 indicators: the variances over each box too.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` only.

    Returns
    -------
    Bunch or tuple of (data, target)
        With the attributes

        data : ndarray of shape (30, 16, 28) or (30, 16, 54), dtype float32
            Boxes x dates x indicators, in the units of `feature_names`; the first is the canopy
            cover, a fraction. No value is missing.
        target : ndarray of shape (30,), dtype int64
            1 = drying, 0 = watered.
        target_names : list of str
            Their names.
        plant : ndarray of shape (30,), dtype int64
            The row; box numbers of the paper are one more.
        treatment : ndarray of shape (30,), dtype int64
            Ten treatments of three boxes, the groups to split by.
        nitrogen : ndarray of shape (30,), dtype str
            'high', 'medium' or 'low'.
        weeds : ndarray of shape (30,), dtype str
            'none', 'few', 'many' or 'only'.
        days : ndarray of shape (16,), dtype int64
            Days after sowing.
        onset_day : int
            Day after which the drying boxes got no water.
        onset : int
            Number of frames up to and including that day, for :class:`~skwater.RSSResampler`.
        feature_names : list of str
            The authors' names of the indicators.
        DESCR : str
            Description, source and licence.

    Raises
    ------
    OSError
        If the file is missing and may not be or cannot be downloaded, or if a file exists whose
        SHA-256 is not that of the authors' file.
    ValueError
        If the downloaded file is not the authors' file.
    ImportError
        If a package of the extra ``skwater[datasets]`` is not installed.

    See Also
    --------
    make_water_stress : Images of such an experiment, simulated.

    References
    ----------
    .. [1] Khanna, R., Schmid, L., Walter, A., Nieto, J., Siegwart, R., Liebisch, F. (2019).
       A spatio temporal spectral framework for plant stress phenotyping. Plant Methods 15, 13.
       https://doi.org/10.1186/s13007-019-0398-8

    Examples
    --------
    >>> from skwater.datasets import fetch_eschikon_indicators
    >>> plants = fetch_eschikon_indicators()  # doctest: +SKIP
    >>> plants.data.shape  # doctest: +SKIP
    (30, 16, 28)
    """
    remote = _MEANS_AND_VARIANCES if variances else _MEANS
    path = fetch_file(remote, get_data_home(data_home), download_if_missing)
    plants = _read(path)
    return (plants.data, plants.target) if return_X_y else plants


def fetch_file(remote, data_home, download_if_missing):
    """Path of one of the authors' files, which is downloaded if it is missing."""
    path = Path(data_home) / "eschikon" / remote.name
    if path.exists():
        _verify(path, remote)
    elif download_if_missing:
        _download(remote, path)
    else:
        raise OSError(
            f"Data not found and `download_if_missing` is False: there is no {path}. Allow the "
            f"download, or save there the file from {remote.url}"
        )
    return path


def _verify(path, remote):
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != remote.sha256:
        raise OSError(
            f"{path} is not the authors' file: its SHA-256 is {found}, expected {remote.sha256}. "
            f"Delete it, and it will be downloaded again."
        )


def _download(remote, path):
    try:
        import pooch
    except ImportError as error:
        raise _needs_extra("download it", "pooch") from error
    pooch.retrieve(
        remote.url,
        known_hash=f"sha256:{remote.sha256}",
        fname=path.name,
        path=path.parent,
        progressbar=True,
    )


def _read(path):
    """Turn the MATLAB object in the file into a Bunch."""
    fields = read_mat(path)["indicatorData"].properties
    water, nitrogen, weeds = fields["Labels"].astype(np.int64).T - 1
    _, nitrogen_names, weed_names = (_strings(row) for row in fields["LabelLevels"])
    plant = np.arange(len(water))
    return ExperimentBunch(
        data=fields["Data"].astype(np.float32),
        target=water,
        target_names=["watered", "drying"],
        plant=plant,
        treatment=plant // 3,
        nitrogen=np.char.lower(nitrogen_names)[nitrogen],
        weeds=np.char.lower(weed_names)[weeds],
        days=DAYS.copy(),
        onset_day=ONSET_DAY,
        onset=onset_from_days(DAYS, ONSET_DAY),
        feature_names=_strings(fields["IndicatorNames"]),
        DESCR=_DESCR,
    )


def read_mat(path):
    """Contents of a MATLAB file, objects of classes included."""
    try:
        with warnings.catch_warnings():  # on import it sets an option that pandas 3 deprecates
            warnings.simplefilter("ignore")
            from matio import load_from_mat  # scipy.io.loadmat cannot read MATLAB class objects
    except ImportError as error:
        raise _needs_extra("read it", "mat-io (Python 3.13 or older)") from error
    return load_from_mat(path)


def _strings(cells):
    """The texts in a MATLAB cell array, whose empty cells have no element."""
    return [cell.item().strip() for cell in np.ravel(cells) if cell.size]


def _needs_extra(what, package):
    return ImportError(
        f"A file of the Eschikon experiment needs the package {package} to {what}: "
        f'pip install "skwater[datasets]"'
    )
