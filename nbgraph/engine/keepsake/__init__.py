"""A recorded run as a test to keep: ``harvest`` writes down a graph's code, ``testfile`` the test beside its recording."""
