# Features and labels -> one model per experiment, fold and seed -> its predictions.
rule train:
    input:
        clips=f"{RESULTS}/{{dataset}}/clips.json",
        features=lambda wildcards: feature_manifests(wildcards.experiment, wildcards.dataset),
        scenes=lambda wildcards: scene_manifest(wildcards.experiment),
        extra=lambda wildcards: [one.clips for one in extra(wildcards.experiment)],
        extra_features=lambda wildcards: sum(extra_manifests(wildcards.experiment), []),
    output:
        model=f"{RESULTS}/{{dataset}}/models/{{experiment}}/{{fold}}-{{seed}}/model.json",
    params:
        abaw=command,
        recipe=lambda wildcards: recipe(
            CONFIG.experiments[wildcards.experiment], wildcards.fold, int(wildcards.seed)
        ),
        folds=lambda wildcards: folds_mark(CONFIG.experiments[wildcards.experiment]),
        lost=lambda wildcards: lost(
            layout(wildcards.dataset).model(wildcards.experiment, wildcards.fold, wildcards.seed) / "model.json"
        ),
    log:
        f"{LOGS}/train/{{dataset}}-{{experiment}}-{{fold}}-{{seed}}.log",
    benchmark:
        f"{TIMES}/train/{{dataset}}-{{experiment}}-{{fold}}-{{seed}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input, attempt: (
            manifests_mb(input.features, *extra_manifests(wildcards.experiment)) * attempt
        ),
        gpu=gpu_units(alone=False),
    message:
        "train {wildcards.experiment}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        "{params.abaw} train {wildcards.experiment} --fold {wildcards.fold} --seed {wildcards.seed} --threads {threads}"
        " > {log} 2>&1"


rule infer:
    input:
        clips=f"{RESULTS}/{{dataset}}/clips.json",
        features=lambda wildcards: feature_manifests(wildcards.experiment, wildcards.dataset),
        model=lambda wildcards: (
            trained_on(wildcards.experiment).model(wildcards.experiment, wildcards.fold, wildcards.seed) / "model.json"
        ),
    output:
        manifest=f"{RESULTS}/{{dataset}}/predictions/{{experiment}}/{{fold}}-{{seed}}.json",
    params:
        abaw=command,
        code=prediction_code(),
        lost=lambda wildcards: lost(
            layout(wildcards.dataset).predictions_manifest(wildcards.experiment, wildcards.fold, wildcards.seed)
        ),
    log:
        f"{LOGS}/infer/{{dataset}}-{{experiment}}-{{fold}}-{{seed}}.log",
    benchmark:
        f"{TIMES}/infer/{{dataset}}-{{experiment}}-{{fold}}-{{seed}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        gpu=gpu_units(alone=False),
    message:
        "predict {wildcards.dataset} with {wildcards.experiment}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        "{params.abaw} infer {wildcards.experiment} --fold {wildcards.fold} --seed {wildcards.seed} --threads {threads}"
        " --dataset {wildcards.dataset} > {log} 2>&1"
