"""Errors on the page: one sentence in a toast, and no trace."""

import functools
import html
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from vitpose_plus.errors import RunError, UserError, reason

LOGGER = logging.getLogger('vitpose_plus')


def in_one_sentence(action: Callable[..., Any]) -> Callable[..., Any]:
    """Shows an error of the action as one sentence on the page; others also go into the log."""

    @functools.wraps(action)
    def guarded(*args, **kwargs) -> Any:
        try:
            return action(*args, **kwargs)
        except (UserError, RunError) as error:
            raise _shown(str(error)) from error
        except Exception as error:
            LOGGER.exception('%s failed', action.__name__)
            raise _shown(
                f'An unexpected error ({reason(error)}): the log of the server has the details.'
            ) from error

    return guarded


def _shown(sentence: str) -> gr.Error:
    return gr.Error(html.escape(sentence, quote=False), duration=None, print_exception=False)
