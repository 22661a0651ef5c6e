# Sound -> what a speech recogniser hears, as files for people to correct. Runs only where a feature reads them.
CORRECTED = {name: corrections(layout(name)) for name in CONFIG.datasets} if CONFIG.transcripts else {}


rule transcribe:
    input:
        media=f"{RESULTS}/{{dataset}}/manifests/media/{{shard}}.json",
        clips=f"{RESULTS}/{{dataset}}/clips.json",
    output:
        manifest=f"{RESULTS}/{{dataset}}/manifests/transcripts/{{shard}}.json",
    params:
        abaw=command,
        key=lambda wildcards: CONFIG.plan_transcripts().key,
        corrected=lambda wildcards: CORRECTED[wildcards.dataset],
        shards=CONFIG.shards,
        lost=lambda wildcards: lost(layout(wildcards.dataset).transcripts_shard(int(wildcards.shard))),
    log:
        f"{LOGS}/transcribe/{{dataset}}-{{shard}}.log",
    benchmark:
        f"{TIMES}/transcribe/{{dataset}}-{{shard}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        gpu=gpu_units(alone=True),
    message:
        "transcribe {wildcards.dataset}, shard {wildcards.shard}"
    shell:
        "{params.abaw} transcribe {wildcards.dataset} --shard {wildcards.shard} --threads {threads} > {log} 2>&1"
