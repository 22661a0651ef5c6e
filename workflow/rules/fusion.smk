# Predictions of the members -> ensemble -> submission file and its zip (or a curve per clip, without a sample file).
rule ensemble:
    input:
        members=member_predictions,
        clips=f"{RESULTS}/{{dataset}}/clips.json",
    output:
        manifest=f"{RESULTS}/{{dataset}}/ensembles/{{ensemble}}.json",
    params:
        abaw=command,
        settings=lambda wildcards: settings_digest(CONFIG.ensembles[wildcards.ensemble]),
        members=lambda wildcards: CONFIG.member_columns(wildcards.ensemble),
        code=code_digest("ensembles.apply", "ensembles.choose", "ensembles.compound", "training.scores", "training.samples"),
        lost=lambda wildcards: lost(layout(wildcards.dataset).ensemble_manifest(wildcards.ensemble)),
    log:
        f"{LOGS}/ensemble/{{dataset}}-{{ensemble}}.log",
    benchmark:
        f"{TIMES}/ensemble/{{dataset}}-{{ensemble}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "fuse ensemble {wildcards.ensemble} on {wildcards.dataset}"
    shell:
        "{params.abaw} ensemble {wildcards.ensemble} --dataset {wildcards.dataset} > {log} 2>&1"


rule submit:
    input:
        ensembles=fused,
        clips=f"{RESULTS}/{{dataset}}/clips.json",
    output:
        **submitted(".txt"),
    params:
        abaw=command,
        settings=settings_digest(CONFIG.submission.of_each_file),
        ensembles=lambda wildcards: dict(asked(wildcards).ensembles),
        code=code_digest("submission.write"),
    wildcard_constraints:
        track="|".join(name for name, track in TRACKS.items() if track.suffix == ".txt"),
    log:
        f"{LOGS}/submit/{{dataset}}-{{name}}-{{track}}.log",
    benchmark:
        f"{TIMES}/submit/{{dataset}}-{{name}}-{{track}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "write {output.file}"
    shell:
        "{params.abaw} submit {wildcards.name} --dataset {wildcards.dataset} > {log} 2>&1"


use rule submit as submit_table with:
    output:
        **submitted(".csv"),
    wildcard_constraints:
        track="|".join(name for name, track in TRACKS.items() if track.suffix == ".csv"),


rule curves:
    input:
        ensemble=f"{RESULTS}/{{dataset}}/ensembles/{{ensemble}}.json",
    output:
        done=f"{RESULTS}/{{dataset}}/ensembles/{{ensemble}}/done.json",
    params:
        abaw=command,
        code=code_digest("report.curves"),
    log:
        f"{LOGS}/curves/{{dataset}}-{{ensemble}}.log",
    benchmark:
        f"{TIMES}/curves/{{dataset}}-{{ensemble}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "write the curves of {wildcards.dataset} by {wildcards.ensemble}"
    shell:
        "{params.abaw} curves {wildcards.ensemble} --dataset {wildcards.dataset} > {log} 2>&1"
