"""A Django project around morango with one syncable model, as small as morango lets it be."""
