# Media -> one feature of one shard of clips -> one manifest a feature. The store itself is no declared output:
# Snakemake would delete it before every rerun.
rule extract:
    input:
        media=f"{RESULTS}/{{dataset}}/manifests/media/{{shard}}.json",
        transcripts=transcripts_read,
        stacked=stacked_predictions,
        clips=f"{RESULTS}/{{dataset}}/clips.json",
    output:
        manifest=f"{RESULTS}/{{dataset}}/manifests/features/{{feature}}/{{shard}}.json",
    params:
        abaw=command,
        key=lambda wildcards: CONFIG.plan(wildcards.feature).key,
        files=lambda wildcards: CONFIG.plan(wildcards.feature).on(layout(wildcards.dataset)).listing,
        shards=CONFIG.shards,
        lost=lambda wildcards: lost(layout(wildcards.dataset).feature_shard(wildcards.feature, int(wildcards.shard))),
    log:
        f"{LOGS}/extract/{{dataset}}-{{feature}}-{{shard}}.log",
    benchmark:
        f"{TIMES}/extract/{{dataset}}-{{feature}}-{{shard}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: lambda wildcards: CONFIG.plan(wildcards.feature).threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        gpu=lambda wildcards: gpu_units(alone=True) if CONFIG.plan(wildcards.feature).spec.network else 0,
    message:
        "extract {wildcards.feature} of {wildcards.dataset}, shard {wildcards.shard}"
    shell:
        "{params.abaw} extract {wildcards.dataset} {wildcards.feature} --shard {wildcards.shard} --threads {threads}"
        " > {log} 2>&1"


rule join:
    input:
        shards=expand(f"{RESULTS}/{{{{dataset}}}}/manifests/features/{{{{feature}}}}/{{shard}}.json", shard=SHARDS),
    output:
        manifest=f"{RESULTS}/{{dataset}}/features/{{feature}}.json",
    params:
        abaw=command,
        key=lambda wildcards: CONFIG.plan(wildcards.feature).key,
    log:
        f"{LOGS}/join/{{dataset}}-{{feature}}.log",
    benchmark:
        f"{TIMES}/join/{{dataset}}-{{feature}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "join the shards of {wildcards.feature} of {wildcards.dataset}"
    shell:
        "{params.abaw} join {wildcards.dataset} {wildcards.feature} > {log} 2>&1"
