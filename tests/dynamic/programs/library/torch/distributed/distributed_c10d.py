import functools
import os


class group:
    WORLD = None


class ProcessGroup:
    def __init__(self, ranks):
        self.ranks = ranks


def _exception_logger(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def is_initialized():
    return True


def get_rank():
    return int(os.environ["RANK"])


def get_process_group_ranks(group):
    return group.ranks


@_exception_logger
def init_process_group(backend=None, timeout=None):
    group.WORLD = ProcessGroup([0, 1])


@_exception_logger
def new_group(ranks=None, timeout=None):
    return ProcessGroup(ranks)


@_exception_logger
def all_reduce(tensor, op=None, group=None, async_op=False):
    return tensor


@_exception_logger
def barrier(group=None, async_op=False, device_ids=None):
    return None
