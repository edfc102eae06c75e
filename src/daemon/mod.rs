//! Start order, tasks and the two-stage stop of the daemon.
