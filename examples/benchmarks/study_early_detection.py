"""stub until the recipe is known"""


def early_detection(plants, n_seeds, **options):
    return "## Early detection\n\nTODO"
