"""Which kinds of models can be trained and served here. Pure.

Adapters are served for the layers that Llama has, by name: where a model has others, its results are merged.
"""

from typing import Any

ADAPTABLE = frozenset({"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"})
MERGED_ONLY = frozenset(
    {
        *("Phi3ForCausalLM", "GemmaForCausalLM", "Gemma2ForCausalLM"),
        *("Gemma3ForCausalLM", "GraniteForCausalLM", "OlmoForCausalLM", "Olmo2ForCausalLM"),
        *("SmolLM3ForCausalLM", "StableLmForCausalLM", "Starcoder2ForCausalLM"),
    }
)
ENCODERS = frozenset({"BertModel", "RobertaModel", "XLMRobertaModel", "ModernBertModel"})


def architecture(config: dict[str, Any]) -> str:
    """As the model's config.json names it; empty if it does not."""
    return str((config.get("architectures") or [""])[0])


def refusal(config: dict[str, Any]) -> str:
    """Why a model of this configuration cannot be used, as the rest of a sentence; empty if it can."""
    name = architecture(config)
    if config.get("quantization_config"):
        return "is quantized; take the model in full precision, and train with load_in_4bit to save memory"
    if name in ADAPTABLE | MERGED_ONLY | ENCODERS:
        return ""
    if config.get("auto_map"):
        return "needs code of its own (trust_remote_code), and that is never run"
    known = ", ".join(sorted(ADAPTABLE | MERGED_ONLY | ENCODERS))
    return f"is a {name or 'model of an unknown kind'}, which cannot be used. Known are {known}"
