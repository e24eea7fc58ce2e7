# Functions of the rules of surveys.smk.


def get_survey_catalogue(name):
    """Input function: the file of a survey other than LAMOST."""

    def catalogue(wildcards):
        if name not in CONFIG.surveys.others:
            raise SpectraLMError(
                f"surveys.{name}.catalogue: null; give the survey's file to use its labels"
            )
        return CONFIG.surveys.others[name]

    return catalogue
