# Predictions of the members -> ensemble -> submission file (or one curve per clip, where there is no sample file).
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
        code=code_digest("ensembles.apply", "ensembles.choose", "training.scores", "training.samples"),
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
        ensemble=f"{RESULTS}/{{dataset}}/ensembles/{{ensemble}}.json",
        clips=f"{RESULTS}/{{dataset}}/clips.json",
    output:
        file=report(
            f"{RESULTS}/{{dataset}}/submissions/{{ensemble}}/{{task}}.txt",
            category="Submissions",
            labels={"data set": "{dataset}", "ensemble": "{ensemble}", "task": "{task}"},
        ),
        provenance=f"{RESULTS}/{{dataset}}/submissions/{{ensemble}}/{{task}}.provenance.json",
    params:
        abaw=command,
        settings=settings_digest(CONFIG.submission),
        code=code_digest("submission.write"),
    log:
        f"{LOGS}/submit/{{dataset}}-{{ensemble}}-{{task}}.log",
    benchmark:
        f"{TIMES}/submit/{{dataset}}-{{ensemble}}-{{task}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "write {output.file}"
    shell:
        "{params.abaw} submit {wildcards.ensemble} --dataset {wildcards.dataset} > {log} 2>&1"


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
