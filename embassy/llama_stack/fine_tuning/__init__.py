"""OpenAI's fine-tuning jobs on the platform's training jobs. See docs/openai.md.

`requests` turns what was asked into a training job, `names` gives the models their names, `deploying` puts
one of them behind its name when it is first used.
"""
