# Functions of the rules of baselines.smk.


def get_code(command):
    """Params function: the code of a command with that of a model's kind."""
    return lambda wildcards: fingerprint(
        command, BASELINES.module_of(CONFIG.baselines[wildcards.model].kind)
    )


def get_baseline_gpus(wildcards):
    """Resource: a GPU for networks, none for what needs none."""
    kind = BASELINES.module_of(CONFIG.baselines[wildcards.model].kind)
    return int("spectralm.baselines.network" in import_closure(kind))
