"""What ``vitpose new-dataset`` writes: the entry of your dataset, a config, annotations."""
