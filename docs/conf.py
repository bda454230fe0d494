"""Sphinx configuration. The build needs no network: no intersphinx, all assets are local."""

from importlib.metadata import version as _version
from pathlib import Path as _Path

project = "skwater"
author = "The skwater developers"
copyright = "2026, The skwater developers"
version = release = _version("skwater")

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "paper.md"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["skwater.css"]
default_role = "code"

# Every reference to a name of ours must be found; other projects are not linked.
nitpicky = True
_OTHERS = "albumentations datetime imblearn joblib matplotlib numpy pandas sklearn skorch torch"
nitpick_ignore_regex = [("py:.*", rf"({_OTHERS.replace(' ', '|')})\..*")]

# Members that come from scikit-learn, imbalanced-learn and torch are documented there.
autodoc_default_options = {
    "members": True,
    "inherited-members": "BaseEstimator, BaseOverSampler, ClassifierMixin, Module, "
    "TransformerMixin, dict",
    "exclude-members": "get_metadata_routing, set_fit_request, set_fit_resample_request, "
    "set_output, set_predict_request, set_score_request, set_split_request, "
    "set_transform_request",
}
autodoc_typehints = "none"
numpydoc_show_class_members = False  # autodoc lists them

# Figures of the pages are drawn by docs/figures/*.py, and by a few lines in a page.
plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 150)]
plot_pre_code = ""
plot_working_directory = str(_Path(__file__).parent)
plot_rcparams = {
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
}
plot_apply_rcparams = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "ignore_pattern": r"__init__\.py|/benchmarks/|readme_figure",
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skwater {release}"
html_show_sourcelink = False
toc_object_entries_show_parents = "hide"  # methods by their names fit beside the page
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 5,
    "secondary_sidebar_items": ["page-toc"],
}
# The front page has the whole width.
html_sidebars = {"index": []}
