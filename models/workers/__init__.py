"""Workers that decode, prepare and classify pictures: processes limited in memory and time, or threads."""
