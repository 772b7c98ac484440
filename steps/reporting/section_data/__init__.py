"""View data of the report's sections: for each template, what it shows, computed from the results of a run."""
