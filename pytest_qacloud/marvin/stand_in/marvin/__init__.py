"""What stands for Apache CloudStack's Marvin where it is not installed: the interface that suites use, nothing else."""
