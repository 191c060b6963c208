"""A description of an API turned into files: targets make views, render lays them out, output puts them on disk."""
